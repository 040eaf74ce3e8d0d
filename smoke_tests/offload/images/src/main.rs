//! Launches on the host, whichever device is the default: a device is chosen by what it is, not by its number.

use holoenzyme::device::{self, Kind};
use holoenzyme::offload;
use images::mark;

fn main() {
    let host = device::first(Kind::Host).expect("no virtual host device");
    println!(r#"{{"device": {}, "uid": "{}"}}"#, host.number, host.uid);
    let mut sum = 1000;
    // SAFETY: one thread adds to a number of its own.
    unsafe {
        offload! {
            kernel = mark,
            device = host.number,
            args = (7, &mut sum),
        }
    }
    .unwrap();
    println!(r#"{{"case": "sum", "values": [{sum}]}}"#);
    println!(r#"{{"done": 2}}"#);
}
