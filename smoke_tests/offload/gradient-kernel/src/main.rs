//! Prints the curve and its slope at 100 points.

use gradient_kernel::slopes;
use holoenzyme::{device, offload};

const POINTS: u32 = 100;

fn main() {
    let device = device::default().expect("no device");
    println!(
        r#"{{"device": {}, "uid": "{}"}}"#,
        device.number, device.uid
    );
    let at: Vec<f64> = (0..POINTS).map(|i| f64::from(i) / 16.0 - 3.0).collect();
    let mut values = vec![0.0; at.len()];
    let mut found = vec![0.0; at.len()];
    // SAFETY: each thread writes its own elements.
    unsafe {
        offload! {
            kernel = slopes,
            workgroup_dim = [4, 1, 1],
            thread_dim = [32, 1, 1],
            args = (&at[..], &mut values[..], &mut found[..]),
        }
    }
    .unwrap();
    println!(r#"{{"case": "value", "values": {values:?}}}"#);
    println!(r#"{{"case": "slope", "values": {found:?}}}"#);
    println!(r#"{{"done": 3}}"#);
}
