//! Sends slices of several lengths, empty ones too, out of the middle of a vector, and prints what came back: the
//! lengths that the kernel saw, the whole vector that was written, and that which was only read.

use holoenzyme::{device, offload};
use slices::{Particle, bytes, doubles, many, particles, points, shorts, singles};

/// Elements of each slice, over two blocks of 32 threads.
const LENGTHS: [usize; 3] = [0, 1, 33];
/// Elements before and behind it, which stay as they are.
const MARGIN: usize = 2;

fn main() {
    let device = device::default().expect("no device");
    println!(
        r#"{{"device": {}, "uid": "{}"}}"#,
        device.number, device.uid
    );
    let mut lines = 1;
    for length in LENGTHS {
        let whole = length + 2 * MARGIN;
        let inside = MARGIN..MARGIN + length;
        let float = |i: usize| f64::from(u32::try_from(i).unwrap());

        /// Runs one kernel on vectors of one element type.
        macro_rules! run {
            ($kernel:ident, $element:expr, $numbers:expr) => {
                let from: Vec<_> = (0..whole).map($element).collect();
                let mut to: Vec<_> = (100..100 + whole).map($element).collect();
                let mut lengths = [u64::MAX; 2];
                // SAFETY: each thread writes its own elements; the first one writes the lengths.
                unsafe {
                    offload! {
                        kernel = $kernel,
                        workgroup_dim = [2, 1, 1],
                        thread_dim = [32, 1, 1],
                        args = (
                            &from[inside.clone()],
                            &mut to[inside.clone()],
                            &mut lengths[..],
                        ),
                    }
                }
                .unwrap();
                let name = stringify!($kernel);
                println!(r#"{{"case": "{name} {length} lengths", "values": {lengths:?}}}"#);
                for (side, vector) in [("to", &to), ("from", &from)] {
                    let numbers: Vec<f64> = vector.iter().flat_map($numbers).collect();
                    println!(r#"{{"case": "{name} {length} {side}", "values": {numbers:?}}}"#);
                }
                lines += 3;
            };
        }

        #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
        {
            run!(bytes, |i| i as u8, |&x| [f64::from(x)]);
            run!(shorts, |i| 600 + i as u16, |&x| [f64::from(x)]);
            run!(singles, |i| float(i) as f32 + 0.5, |&x| [f64::from(x)]);
            run!(points, |i| [i as f32, 0.5, -(i as f32)], |x| x
                .map(f64::from));
            run!(
                particles,
                |i| Particle {
                    kind: i as u8,
                    position: [i as f32, 1.0, 2.0],
                    charge: -(i as i16),
                    mass: float(i) / 8.0,
                },
                |p| {
                    let [x, y, z] = p.position.map(f64::from);
                    [f64::from(p.kind), x, y, z, f64::from(p.charge), p.mass]
                }
            );
        }
        run!(doubles, |i| float(i) + 0.25, |&x| [x]);
        lines += many_arguments(length);
    }
    println!(r#"{{"done": {lines}}}"#);
}

/// Runs the kernel with many arguments; returns the number of lines that it printed.
fn many_arguments(length: usize) -> usize {
    let slice = |first: u32| -> Vec<f64> { (first..).map(f64::from).take(length).collect() };
    let (x, y, z) = (slice(1), slice(10), slice(100));
    let mut to = vec![0.5; length];
    // SAFETY: each thread writes its own elements; the first one writes the lengths.
    unsafe {
        offload! {
            kernel = many,
            workgroup_dim = [2, 1, 1],
            thread_dim = [32, 1, 1],
            args = (
                3_u8,
                0.25,
                &x[..],
                &y[..],
                500_u16,
                &z[..],
                &mut to[..],
                -7_i64,
            ),
        }
    }
    .unwrap();
    println!(r#"{{"case": "many {length}", "values": {to:?}}}"#);
    1
}
