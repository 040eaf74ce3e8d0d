//! A record that is passed as one integer, of which the parts are kept apart by masks.

//~? ERROR

#![feature(autodiff)]

use std::autodiff::autodiff_reverse;
use std::hint::black_box;

#[derive(Clone, Copy)]
struct Mass {
    weight: f32,
    hits: u16,
    moving: bool,
}

#[inline(never)]
fn next(mass: Mass, by: f32) -> Mass {
    if mass.moving {
        Mass {
            weight: mass.weight * by,
            hits: mass.hits + 1,
            moving: mass.hits < 2,
        }
    } else {
        Mass {
            weight: mass.weight + by,
            moving: true,
            ..mass
        }
    }
}

#[autodiff_reverse(slope, Duplicated, Const, Active)]
fn packed(x: &[f32], n: usize) -> f32 {
    let mut mass = Mass {
        weight: 1.0,
        hits: 0,
        moving: true,
    };
    for i in 0..n {
        mass = next(mass, x[i % x.len()]);
    }
    mass.weight * f32::from(mass.hits)
}

fn main() {
    let mut gradient = [0.0; 3];
    println!(
        "{:?}",
        slope(
            &black_box([1.3, 0.7, 0.2]),
            &mut gradient,
            black_box(6),
            1.0
        )
    );
}
