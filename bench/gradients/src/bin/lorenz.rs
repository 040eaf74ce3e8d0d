//! The Lorenz system by Runge-Kutta's method of fourth order, with a variable for each number.

#![feature(autodiff)]

use gradients::{Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const STEPS: usize = 100_000;
const H: f64 = 1e-5;

fn slope(p: &[f64], x: f64, y: f64, z: f64) -> (f64, f64, f64) {
    (p[0] * (y - x), x * (p[1] - z) - y, x * y - p[2] * z)
}

/// `p` has the three parameters, then the start.
#[autodiff_reverse(d_lorenz, Duplicated, Const, Active)]
fn lorenz(p: &[f64], steps: usize) -> f64 {
    let (mut x, mut y, mut z) = (p[3], p[4], p[5]);
    for _ in 0..steps {
        let (x1, y1, z1) = slope(p, x, y, z);
        let (x2, y2, z2) = slope(p, x + H / 2.0 * x1, y + H / 2.0 * y1, z + H / 2.0 * z1);
        let (x3, y3, z3) = slope(p, x + H / 2.0 * x2, y + H / 2.0 * y2, z + H / 2.0 * z2);
        let (x4, y4, z4) = slope(p, x + H * x3, y + H * y3, z + H * z3);
        x += H / 6.0 * (x1 + 2.0 * x2 + 2.0 * x3 + x4);
        y += H / 6.0 * (y1 + 2.0 * y2 + 2.0 * y3 + y4);
        z += H / 6.0 * (z1 + 2.0 * z2 + 2.0 * z3 + z4);
    }
    x * x + y * y + z * z
}

fn main() -> ExitCode {
    let versions = vec![
        Version::rust(
            |p| lorenz(p, STEPS),
            |p, g| {
                d_lorenz(p, g, STEPS, 1.0);
            },
        ),
        #[cfg(feature = "c")]
        c::version(),
    ];
    run(&Program {
        name: "lorenz",
        at: vec![10.0, 28.0, 8.0 / 3.0, 1.0, 2.0, 3.0],
        versions,
    })
}

#[cfg(feature = "c")]
mod c {
    use gradients::Version;

    #[link(name = "gradients_c", kind = "static")]
    unsafe extern "C" {
        fn c_lorenz(p: *const f64, steps: usize) -> f64;
        fn c_lorenz_gradient(p: *const f64, g: *mut f64, steps: usize);
    }

    pub fn version() -> Version {
        // SAFETY: c/lorenz.c has the same sizes.
        Version::c(
            |p| unsafe { c_lorenz(p.as_ptr(), super::STEPS) },
            |p, g| unsafe {
                c_lorenz_gradient(p.as_ptr(), g.as_mut_ptr(), super::STEPS);
            },
        )
    }
}
