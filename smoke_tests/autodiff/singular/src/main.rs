//! Derivatives at points where there is none, or more than one: what comes out is a convention.
//!
//! `conventions.yaml` has them all, for the oracle and for the table in docs/autodiff.md.

#![feature(autodiff)]
#![allow(clippy::manual_clamp, reason = "written out, both ways are looked at")]

use std::autodiff::{autodiff_forward, autodiff_reverse};
use std::hint::black_box;

/// A function of one number, at a point.
macro_rules! one {
    ($name:ident, $at:expr, |$x:ident| $body:expr) => {
        mod $name {
            use super::*;

            #[autodiff_forward(forward, Dual, Dual)]
            #[autodiff_reverse(reverse, Active, Active)]
            fn primal($x: f64) -> f64 {
                $body
            }

            pub fn print() -> usize {
                let x: f64 = black_box($at);
                let name = stringify!($name).replace('_', "-");
                line(&name, "value", &[primal(x)])
                    + line(&name, "forward", &[forward(x, 1.0).1])
                    + line(&name, "reverse", &[reverse(x, 1.0).1])
            }
        }
    };
}

/// A function of two numbers, at a point.
macro_rules! two {
    ($name:ident, $at:expr, |$x:ident, $y:ident| $body:expr) => {
        mod $name {
            use super::*;

            #[autodiff_forward(forward, Dual, Dual, Dual)]
            #[autodiff_reverse(reverse, Active, Active, Active)]
            fn primal($x: f64, $y: f64) -> f64 {
                $body
            }

            pub fn print() -> usize {
                let (x, y): (f64, f64) = black_box($at);
                let name = stringify!($name).replace('_', "-");
                let (_, by_x, by_y) = reverse(x, y, 1.0);
                line(&name, "value", &[primal(x, y)])
                    + line(
                        &name,
                        "forward",
                        &[forward(x, 1.0, y, 0.0).1, forward(x, 0.0, y, 1.0).1],
                    )
                    + line(&name, "reverse", &[by_x, by_y])
            }
        }
    };
}

one!(sqrt, 0.0, |x| x.sqrt());
one!(sqrt_of_square, 0.0, |x| (x * x).sqrt());
one!(sqrt_guarded, 0.0, |x| if x > 0.0 { x.sqrt() } else { 0.0 });
one!(cbrt, 0.0, |x| x.cbrt());
one!(ln, 0.0, |x| x.ln());
one!(entropy_guarded, 0.0, |x| if x == 0.0 {
    0.0
} else {
    x * x.ln()
});
one!(quotient, 0.0, |x| 1.0 / x);
one!(sinc_guarded, 0.0, |x| if x == 0.0 {
    1.0
} else {
    x.sin() / x
});
one!(abs, 0.0, |x| x.abs());
one!(signum, 0.0, |x| x.signum());
one!(floor, 1.0, |x| x.floor());
one!(fract, 1.0, |x| x.fract());
one!(relu, 0.0, |x| x.max(0.0));
one!(relu_branch, 0.0, |x| if x > 0.0 { x } else { 0.0 });
one!(clamp_low, 0.0, |x| x.clamp(0.0, 1.0));
one!(clamp_high, 1.0, |x| x.clamp(0.0, 1.0));
one!(powi_zero, 0.0, |x| x.powi(0));
one!(powi_one, 0.0, |x| x.powi(1));
one!(powf_half, 0.0, |x| x.powf(0.5));
one!(powf_one, 0.0, |x| x.powf(1.0));
one!(powf_two, 0.0, |x| x.powf(2.0));
one!(asin, 1.0, |x| x.asin());
one!(acos, 1.0, |x| x.acos());
one!(exp_overflow, 1000.0, |x| x.exp());
one!(square_of_nan, f64::NAN, |x| x * x);
one!(max_with_nan, 2.0, |x| x.max(f64::NAN));
one!(nan_in_other_branch, 2.0, |x| if x > 0.0 {
    x * x
} else {
    (-x).sqrt() * f64::NAN
});
two!(max_tie, (1.0, 1.0), |x, y| x.max(y));
two!(min_tie, (1.0, 1.0), |x, y| x.min(y));
two!(hypot, (0.0, 0.0), |x, y| x.hypot(y));
two!(atan2, (0.0, 0.0), |x, y| x.atan2(y));
two!(powf_zero_zero, (0.0, 0.0), |x, y| x.powf(y));
two!(powf_zero_one, (0.0, 1.0), |x, y| x.powf(y));
two!(powf_zero_two, (0.0, 2.0), |x, y| x.powf(y));
two!(remainder, (4.0, 2.0), |x, y| x % y);
two!(copysign, (2.0, 0.0), |x, y| x.copysign(y));
two!(chosen, (0.0, 3.0), |x, y| if x == 0.0 {
    y
} else {
    y * x.ln()
});

/// Prints numbers as pairs: 0 and the number, or 1 (infinite), -1 (infinite, below zero) or 2 (no number) and 0.
fn line(name: &str, what: &str, values: &[f64]) -> usize {
    let pairs: Vec<String> = values
        .iter()
        .map(|&v| {
            if v.is_nan() {
                "2, 0".to_owned()
            } else if v.is_infinite() {
                format!("{}, 0", v.signum())
            } else {
                format!("0, {v:.16e}")
            }
        })
        .collect();
    println!(
        r#"{{"case": "{name} {what}", "values": [{}]}}"#,
        pairs.join(", ")
    );
    1
}

fn main() {
    let printed: usize = [
        sqrt::print,
        sqrt_of_square::print,
        sqrt_guarded::print,
        cbrt::print,
        ln::print,
        entropy_guarded::print,
        quotient::print,
        sinc_guarded::print,
        abs::print,
        signum::print,
        floor::print,
        fract::print,
        relu::print,
        relu_branch::print,
        clamp_low::print,
        clamp_high::print,
        powi_zero::print,
        powi_one::print,
        powf_half::print,
        powf_one::print,
        powf_two::print,
        asin::print,
        acos::print,
        exp_overflow::print,
        square_of_nan::print,
        max_with_nan::print,
        nan_in_other_branch::print,
        max_tie::print,
        min_tie::print,
        hypot::print,
        atan2::print,
        powf_zero_zero::print,
        powf_zero_one::print,
        powf_zero_two::print,
        remainder::print,
        copysign::print,
        chosen::print,
    ]
    .iter()
    .map(|print| print())
    .sum();
    println!(r#"{{"done": {printed}}}"#);
}
