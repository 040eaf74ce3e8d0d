//! What is launched is the first argument. Where a launch returns, its result is printed: that must never happen.

#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "core::intrinsics::offload is how 1.96 names launches"
)]

use core::intrinsics::{offload, offload_on};
use failed::{add_one, overrun, wait};

const ONE: [u32; 3] = [1, 1, 1];

fn main() {
    let what = std::env::args().nth(1).expect("what to launch");
    let mut sums = [0; 4];
    match what.as_str() {
        "default" => offload::<_, _, ()>(add_one, ONE, ONE, (&mut sums[0],)),
        "overrun" => offload::<_, _, ()>(overrun, ONE, [2, 1, 1], (&mut sums[..],)),
        "wait" => offload::<_, _, ()>(wait, ONE, [4, 1, 1], (&mut sums[..],)),
        number => {
            let device = number.parse().expect("the number of a device");
            offload_on::<_, _, ()>(add_one, device, ONE, ONE, (&mut sums[0],));
        }
    }
    println!("{sums:?}");
}
