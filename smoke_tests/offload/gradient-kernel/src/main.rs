//! Prints the curve and its slope at 100 points.

#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "core::intrinsics::offload is how 1.96 names launches"
)]

use core::intrinsics::offload;
use gradient_kernel::slopes;
use holoenzyme::device;

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
    offload::<_, _, ()>(
        slopes,
        [4, 1, 1],
        [32, 1, 1],
        (&at[..], &mut values[..], &mut found[..]),
    );
    println!(r#"{{"case": "value", "values": {values:?}}}"#);
    println!(r#"{{"case": "slope", "values": {found:?}}}"#);
    println!(r#"{{"done": 3}}"#);
}
