//! Bundle adjustment: the squared reprojection errors of points that several cameras see.

#![feature(autodiff)]

use gradients::{Numbers, Program, Version, run};
use std::autodiff::autodiff_reverse;
use std::process::ExitCode;

const CAMERAS: usize = 20;
const POINTS: usize = 400;
const SEEN: usize = 4000;
/// Rotation, centre, focal length, principal point, radial distortion.
const CAMERA: usize = 11;

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Rodrigues' formula.
fn rotate(by: [f64; 3], x: [f64; 3]) -> [f64; 3] {
    let square = dot(by, by);
    if square < 1e-20 {
        let c = cross(by, x);
        return [x[0] + c[0], x[1] + c[1], x[2] + c[2]];
    }
    let angle = square.sqrt();
    let (sine, cosine) = (angle.sin(), angle.cos());
    let axis = by.map(|v| v / angle);
    let c = cross(axis, x);
    let along = dot(axis, x) * (1.0 - cosine);
    std::array::from_fn(|i| x[i] * cosine + c[i] * sine + axis[i] * along)
}

fn project(camera: &[f64], point: &[f64]) -> [f64; 2] {
    let moved = [
        point[0] - camera[3],
        point[1] - camera[4],
        point[2] - camera[5],
    ];
    let x = rotate([camera[0], camera[1], camera[2]], moved);
    let (u, v) = (x[0] / x[2], x[1] / x[2]);
    let square = u * u + v * v;
    let radial = 1.0 + camera[9] * square + camera[10] * square * square;
    [
        camera[6] * u * radial + camera[7],
        camera[6] * v * radial + camera[8],
    ]
}

/// `p` has the cameras, then the points; `pairs` says which camera sees which point, `seen` where.
#[autodiff_reverse(d_bundle, Duplicated, Const, Const, Active)]
fn bundle(p: &[f64], pairs: &[(usize, usize)], seen: &[[f64; 2]]) -> f64 {
    let (cameras, points) = p.split_at(CAMERAS * CAMERA);
    let mut sum = 0.0;
    for (&(camera, point), at) in pairs.iter().zip(seen) {
        let found = project(
            &cameras[camera * CAMERA..][..CAMERA],
            &points[point * 3..][..3],
        );
        let (dx, dy) = (found[0] - at[0], found[1] - at[1]);
        sum += dx * dx + dy * dy;
    }
    sum
}

fn main() -> ExitCode {
    let mut numbers = Numbers::new(2);
    let mut at = numbers.take(CAMERAS * CAMERA, 0.1);
    for camera in at.chunks_exact_mut(CAMERA) {
        camera[6] += 1.0;
    }
    for _ in 0..POINTS {
        at.extend([numbers.one(), numbers.one(), 5.0 + numbers.one()]);
    }
    let pairs: Vec<(usize, usize)> = (0..SEEN)
        .map(|i| (i * 7 % CAMERAS, i * 13 % POINTS))
        .collect();
    let seen: Vec<[f64; 2]> = (0..SEEN)
        .map(|_| [0.3 * numbers.one(), 0.3 * numbers.one()])
        .collect();
    let (pairs2, seen2) = (pairs.clone(), seen.clone());
    let versions = vec![Version::rust(
        move |p| bundle(p, &pairs, &seen),
        move |p, g| {
            d_bundle(p, g, &pairs2, &seen2, 1.0);
        },
    )];
    run(&Program {
        name: "bundle",
        at,
        versions,
    })
}
