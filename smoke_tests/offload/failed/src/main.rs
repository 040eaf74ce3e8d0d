//! What is launched is the first argument. A launch that is refused ends the program with what it says; where one returns,
//! its result is printed: that must never happen.

use failed::{add_one, overrun, wait};
use holoenzyme::offload;

fn main() {
    let what = std::env::args().nth(1).expect("what to launch");
    let mut sums = [0; 4];
    // SAFETY: one thread adds to a number; the others end the program.
    let launched = unsafe {
        match what.as_str() {
            "default" => offload! { kernel = add_one, args = (&mut sums[0]) },
            "overrun" => {
                offload! { kernel = overrun, thread_dim = [2, 1, 1], args = (&mut sums[..]) }
            }
            "wait" => offload! { kernel = wait, thread_dim = [4, 1, 1], args = (&mut sums[..]) },
            "large" => {
                let blocks = [1_431_655_765, 3, 1];
                offload! { kernel = add_one, workgroup_dim = blocks, args = (&mut sums[0]) }
            }
            "empty" => {
                offload! { kernel = add_one, thread_dim = [1, 0, 1], args = (&mut sums[0]) }
            }
            number => {
                let number: i64 = number.parse().expect("the number of a device");
                offload! { kernel = add_one, device = number, args = (&mut sums[0]) }
            }
        }
    };
    if let Err(error) = launched {
        eprintln!("error: {error}");
        std::process::abort();
    }
    println!("{sums:?}");
}
