//! Launches on every device by its number, and without a number before and after: the default stays what it was.

use devices::mark;
use holoenzyme::device::{self, Kind};
use holoenzyme::offload;

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
    // SAFETY: one thread adds to a number of its own.
    unsafe {
        offload! {
            kernel = mark,
            args = (7, &mut before),
        }
    }
    .unwrap();
    let mut marks = Vec::new();
    for device in device::all() {
        let mut sum = 100;
        // SAFETY: one thread adds to a number of its own.
        unsafe {
            offload! {
                kernel = mark,
                device = device.number,
                args = (device.number, &mut sum),
            }
        }
        .unwrap();
        marks.push(sum);
    }
    let mut after = 2000;
    // SAFETY: one thread adds to a number of its own.
    unsafe {
        offload! {
            kernel = mark,
            args = (7, &mut after),
        }
    }
    .unwrap();

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
