//! Launches on the host, whichever device is the default: a device is chosen by what it is, not by its number.

#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "core::intrinsics::offload is how 1.96 names launches"
)]

use core::intrinsics::offload_on;
use holoenzyme::device::{self, Kind};
use images::mark;

const ONE: [u32; 3] = [1, 1, 1];

fn main() {
    let host = device::first(Kind::Host).expect("no virtual host device");
    println!(r#"{{"device": {}, "uid": "{}"}}"#, host.number, host.uid);
    let mut sum = 1000;
    offload_on::<_, _, ()>(mark, host.number, ONE, ONE, (7, &mut sum));
    println!(r#"{{"case": "sum", "values": [{sum}]}}"#);
    println!(r#"{{"done": 2}}"#);
}
