//! Launches every run of every function of the library.

use generated::{CASES, generated};
use holoenzyme::offload;

fn main() {
    for case in 0..CASES.len() {
        harness::isolated(CASES[case].0, || {
            let (name, runs) = CASES[case];
            for (which, (label, count)) in runs.iter().enumerate() {
                let label = format!("{name} {label}");
                harness::begin(&label);
                let mut numbers = vec![0.0; *count];
                // SAFETY: one thread writes.
                unsafe {
                    offload! {
                        kernel = generated,
                        args = (case as u32, which as u32, &mut numbers[..]),
                    }
                }
                .unwrap();
                harness::out(&label, &numbers);
            }
        });
    }
}
