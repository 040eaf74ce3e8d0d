//! Launches every run of every function of the library.

use core::intrinsics::offload;
use generated::{CASES, generated};

fn main() {
    for case in 0..CASES.len() {
        harness::isolated(CASES[case].0, || {
            let (name, runs) = CASES[case];
            for (which, (label, count)) in runs.iter().enumerate() {
                let label = format!("{name} {label}");
                harness::begin(&label);
                let mut numbers = vec![0.0; *count];
                let arguments = (case as u32, which as u32, &mut numbers[..]);
                offload::<_, _, ()>(generated, [1, 1, 1], [1, 1, 1], arguments);
                harness::out(&label, &numbers);
            }
        });
    }
}
