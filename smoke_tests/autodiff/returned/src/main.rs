//! Functions that return something beside what they write: the derivative returns the same.

#![feature(autodiff)]

use std::autodiff::{autodiff_forward, autodiff_reverse};
use std::hint::black_box;

#[autodiff_reverse(d_flag, Duplicated, Duplicated, Const)]
fn flag(x: &f64, square: &mut f64) -> bool {
    *square = x * x;
    *x > 1.0
}

#[autodiff_reverse(d_lookup, Duplicated, Duplicated, Const)]
fn lookup(x: &f64, cube: &mut f64) -> Option<i32> {
    *cube = x * x * x;
    (*x > -1.0).then_some(7)
}

#[autodiff_reverse(d_lookup_down, Duplicated, Duplicated, Const)]
fn lookup_down(x: &f64, cube: &mut f64) -> Option<i32> {
    *cube = x * x * x;
    (*x < -1.0).then_some(7)
}

#[autodiff_reverse(d_checked, Duplicated, Duplicated, Const)]
fn checked(x: &f64, square: &mut f64) -> Result<f64, ()> {
    *square = x * x;
    if *x > 0.0 { Ok(2.5) } else { Err(()) }
}

#[autodiff_reverse(d_pair, Duplicated, Duplicated, Const)]
fn pair(x: &f64, square: &mut f64) -> (u8, f64) {
    *square = x * x;
    (3, 9.0)
}

#[autodiff_reverse(d_integer, Duplicated, Duplicated, Const)]
fn integer(x: &f64, square: &mut f64) -> u16 {
    *square = x * x;
    4
}

/// Its derivative returns the flag and the derivative, as a pair.
#[autodiff_reverse(d_beside, Active, Duplicated, Const)]
fn beside(x: f64, square: &mut f64) -> bool {
    *square = x * x;
    x > 1.0
}

/// The derivative is that of the result times the seed, in whichever way it is given back.
#[autodiff_reverse(d_seeded, Active, Duplicated, Active)]
#[autodiff_reverse(d_seeded4, 4, Const, Duplicated, Active)]
fn seeded(x: f64, y: &f64) -> f64 {
    x * x * y
}

#[autodiff_reverse(d_seeded_single, Active, ActiveOnly)]
fn seeded_single(x: f32) -> f32 {
    x * x
}

#[autodiff_forward(d_above, Dual, Const)]
fn above(x: f64) -> bool {
    x * x > 1.0
}

#[autodiff_forward(d_found, Dual, Const)]
fn found(x: f64) -> Option<i32> {
    (x * x > 1.0).then_some(7)
}

/// The derivative that a call of `d` with shadows leaves, and what the call returns.
fn at<R>(x: f64, d: impl Fn(&f64, &mut f64, &mut f64, &mut f64) -> R) -> (R, f64) {
    let (mut dx, mut out, mut seed) = (0.0, 0.0, 1.0);
    let returned = d(black_box(&x), &mut dx, &mut out, &mut seed);
    (returned, dx)
}

fn main() {
    let (flag, d_of_flag) = at(3.0, d_flag);
    println!(
        r#"{{"case": "bool", "values": [{}, {d_of_flag}]}}"#,
        u8::from(flag)
    );
    let (none, d_of_none) = at(-2.0, d_lookup);
    let (some, d_of_some) = at(-2.0, d_lookup_down);
    for (case, option, derivative) in [("some", some, d_of_some), ("none", none, d_of_none)] {
        println!(
            r#"{{"case": "{case}", "values": [{}, {}, {derivative}]}}"#,
            u8::from(option.is_some()),
            option.unwrap_or_default()
        );
    }
    let (ok, d_of_ok) = at(3.0, d_checked);
    println!(
        r#"{{"case": "ok", "values": [{}, {}, {d_of_ok}]}}"#,
        u8::from(ok.is_ok()),
        ok.unwrap_or_default()
    );
    let ((first, second), d_of_pair) = at(3.0, d_pair);
    println!(r#"{{"case": "pair", "values": [{first}, {second}, {d_of_pair}]}}"#);
    let (integer, d_of_integer) = at(3.0, d_integer);
    println!(r#"{{"case": "integer", "values": [{integer}, {d_of_integer}]}}"#);
    let (beside, d_of_beside) = d_beside(black_box(3.0), &mut 0.0, &mut 1.0);
    println!(
        r#"{{"case": "beside", "values": [{}, {d_of_beside}]}}"#,
        u8::from(beside)
    );
    let (mut dy, mut lanes) = (0.0, [1.0, 0.0, 0.0, 0.0]);
    let (value, dx) = d_seeded(3.0, &2.0, &mut dy, black_box(0.5));
    let [a, b, c, d] = &mut lanes;
    d_seeded4(3.0, &2.0, a, b, c, d, black_box(-2.0));
    let single = d_seeded_single(3.0, black_box(4.0));
    println!(
        r#"{{"case": "seeded", "values": [{value}, {dx}, {dy}, {a}, {b}, {c}, {d}, {single}]}}"#
    );
    let (above, found) = (d_above(black_box(3.0), 1.0), d_found(black_box(3.0), 1.0));
    println!(
        r#"{{"case": "forward", "values": [{}, {}, {}]}}"#,
        u8::from(above),
        u8::from(found.is_some()),
        found.unwrap_or_default()
    );
    println!(r#"{{"done": 9}}"#);
}
