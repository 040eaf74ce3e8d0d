//! Launches on every device by its number, and without a number before and after: the default stays what it was.

#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "core::intrinsics::offload is how 1.96 names launches"
)]

use core::intrinsics::{offload, offload_on};
use devices::mark;
use holoenzyme::device::{self, Kind};

const ONE: [u32; 3] = [1, 1, 1];

fn main() {
    let mut lines = 3;
    for device in device::all() {
        println!(
            r#"{{"device": {}, "uid": "{}"}}"#,
            device.number, device.uid
        );
        lines += 1;
    }
    let first = device::default().expect("no device");

    let mut before = 1000;
    offload::<_, _, ()>(mark, ONE, ONE, (7, &mut before));
    let mut marks = Vec::new();
    for device in device::all() {
        let mut sum = 100;
        offload_on::<_, _, ()>(mark, device.number, ONE, ONE, (device.number, &mut sum));
        marks.push(sum);
    }
    let mut after = 2000;
    offload::<_, _, ()>(mark, ONE, ONE, (7, &mut after));

    println!(r#"{{"case": "by number", "values": {marks:?}}}"#);
    println!(r#"{{"case": "default", "values": [{before}, {after}]}}"#);
    let same = device::default() == Some(first);
    let kinds = device::first(Kind::Host).is_some() && device::get(-1).is_none();
    println!(
        r#"{{"case": "same default", "values": [{}, {}]}}"#,
        u8::from(same),
        u8::from(kinds)
    );
    println!(r#"{{"done": {lines}}}"#);
}
