//! Prints derivatives of several functions in forward and reverse mode, one and four directions at once.
//!
//! Each line is a JSON object: the point, the value and the derivative there, and central differences of the value
//! for several steps, which owe nothing to the compiler's differentiation. `oracle.py` checks both.

#![feature(autodiff)]

mod functions;
mod report;

use functions as f;
use report::{Float, Printer, Record, transpose};

fn main() {
    let mut printer = Printer::default();
    for x in [1.5, -0.75] {
        let forward = f::square_sine_forward(x, 1.0);
        let reverse = f::square_sine_reverse(x, 1.0);
        scalar(
            &mut printer,
            "square_sine",
            x,
            forward,
            reverse,
            f::square_sine,
        );
    }
    for x in [0.25, -1.25] {
        let (forward, reverse) = (f::bell_forward(x, 1.0), f::bell_reverse(x, 1.0));
        scalar(&mut printer, "bell", x, forward, reverse, f::bell);
    }
    for x in [0.25, 1.0] {
        let (forward, reverse) = (f::clipped_forward(x, 1.0), f::clipped_reverse(x, 1.0));
        scalar(&mut printer, "clipped", x, forward, reverse, f::clipped);
    }
    for a in [2.0, 1000.0] {
        let forward = f::cube_root_forward(a, 1.0);
        let reverse = f::cube_root_reverse(a, 1.0);
        scalar(&mut printer, "cube_root", a, forward, reverse, f::cube_root);
    }
    single(&mut printer);
    rosenbrock(&mut printer);
    branches(&mut printer);
    advance(&mut printer);
    advance_to(&mut printer);
    spherical(&mut printer);
    printer.finish();
}

/// The vectors (1, 0, ...), (0, 1, ...), ...
fn unit_vectors<const N: usize>() -> [[f64; N]; N] {
    let mut vectors = [[0.0; N]; N];
    for (i, vector) in vectors.iter_mut().enumerate() {
        vector[i] = 1.0;
    }
    vectors
}

/// A function of one number, both modes given as (value, derivative).
fn scalar(
    printer: &mut Printer,
    case: &str,
    x: f64,
    forward: (f64, f64),
    reverse: (f64, f64),
    primal: fn(f64) -> f64,
) {
    for (mode, (value, derivative)) in [("forward", forward), ("reverse", reverse)] {
        let record = Record {
            case,
            mode,
            width: 1,
            float: Float::F64,
            at: &[x],
            primal: vec![value],
            derivative: vec![derivative],
        };
        printer.print(&record, |at| vec![primal(at[0])]);
    }
}

fn single(printer: &mut Printer) {
    let x = 1.25_f32;
    let results = [
        ("forward", f::single_forward(x, 1.0)),
        ("reverse", f::single_reverse(x, 1.0)),
    ];
    for (mode, (value, derivative)) in results {
        let record = Record {
            case: "single",
            mode,
            width: 1,
            float: Float::F32,
            at: &[x.into()],
            primal: vec![value.into()],
            derivative: vec![derivative.into()],
        };
        // The points are sums of few powers of two, which f32 holds exactly.
        #[expect(clippy::cast_possible_truncation)]
        printer.print(&record, |at| vec![f::single(at[0] as f32).into()]);
    }
}

fn rosenbrock(printer: &mut Printer) {
    let at = [-1.2, 0.8, 1.5, 1.9];
    let [e0, e1, e2, e3] = unit_vectors::<4>();
    let mut show = |mode, width, primal, derivative| {
        let record = Record {
            case: "rosenbrock",
            mode,
            width,
            float: Float::F64,
            at: &at,
            primal: vec![primal],
            derivative,
        };
        printer.print(&record, |at| vec![f::rosenbrock(at)]);
    };

    let lanes = [e0, e1, e2, e3].map(|direction| f::rosenbrock_forward(&at, &direction));
    show(
        "forward",
        1,
        lanes[0].0,
        lanes.map(|(_, derivative)| derivative).to_vec(),
    );

    let [value, gradient @ ..] = f::rosenbrock_forward4(&at, &e0, &e1, &e2, &e3);
    show("forward", 4, value, gradient.to_vec());

    let mut gradient = [0.0; 4];
    let value = f::rosenbrock_reverse(&at, &mut gradient, 1.0);
    show("reverse", 1, value, gradient.to_vec());
}

fn branches(printer: &mut Printer) {
    // From 0.5: up, down, up, down, up.
    let at = [0.75, 0.5, 1.25, -0.25, 4.0];
    let mut show = |mode, primal, derivative| {
        let record = Record {
            case: "branches",
            mode,
            width: 1,
            float: Float::F64,
            at: &at,
            primal: vec![primal],
            derivative,
        };
        printer.print(&record, |at| vec![f::branches(at)]);
    };

    let lanes = unit_vectors::<5>().map(|direction| f::branches_forward(&at, &direction));
    show(
        "forward",
        lanes[0].0,
        lanes.map(|(_, derivative)| derivative).to_vec(),
    );

    let mut gradient = [0.0; 5];
    let value = f::branches_reverse(&at, &mut gradient, 1.0);
    show("reverse", value, gradient.to_vec());
}

fn advance(printer: &mut Printer) {
    let at = [1.25, 0.5, -0.75, 2.0];
    let mut show = |mode, width, primal: [f64; 4], derivative| {
        let record = Record {
            case: "advance",
            mode,
            width,
            float: Float::F64,
            at: &at,
            primal: primal.to_vec(),
            derivative,
        };
        printer.print(&record, |at| {
            let mut state = at.to_vec();
            f::advance(&mut state);
            state
        });
    };

    let mut state = at;
    let columns = unit_vectors::<4>().map(|mut direction| {
        state = at;
        f::advance_forward(&mut state, &mut direction);
        direction.to_vec()
    });
    show("forward", 1, state, transpose(&columns));

    let mut state = at;
    let [mut c0, mut c1, mut c2, mut c3] = unit_vectors::<4>();
    f::advance_forward4(&mut state, &mut c0, &mut c1, &mut c2, &mut c3);
    show(
        "forward",
        4,
        state,
        transpose(&[c0, c1, c2, c3].map(|column| column.to_vec())),
    );

    // Reverse mode turns a seed on the outputs, in place, into a row of the Jacobian.
    let mut state = at;
    let rows = unit_vectors::<4>().map(|mut seed| {
        state = at;
        f::advance_reverse(&mut state, &mut seed);
        seed
    });
    show("reverse", 1, state, rows.as_flattened().to_vec());

    let mut state = at;
    let [mut r0, mut r1, mut r2, mut r3] = unit_vectors::<4>();
    f::advance_reverse4(&mut state, &mut r0, &mut r1, &mut r2, &mut r3);
    show(
        "reverse",
        4,
        state,
        [r0, r1, r2, r3].as_flattened().to_vec(),
    );
}

fn advance_to(printer: &mut Printer) {
    let at = [1.25, 0.5, -0.75, 2.0];
    let primal = |at: &[f64]| {
        let mut next = vec![0.0; at.len()];
        f::advance_to(at, &mut next);
        next
    };
    let mut show = |mode, derivative| {
        let record = Record {
            case: "advance_to",
            mode,
            width: 1,
            float: Float::F64,
            at: &at,
            primal: primal(&at),
            derivative,
        };
        printer.print(&record, primal);
    };

    let mut next = [0.0; 4];
    let columns = unit_vectors::<4>().map(|direction| {
        let mut column = [0.0; 4];
        // SAFETY: nothing is read of `next`, which may be left unwritten.
        unsafe { f::advance_to_forward(&at, &direction, &mut next, &mut column) };
        column.to_vec()
    });
    show("forward", transpose(&columns));

    let rows = unit_vectors::<4>().map(|mut seed| {
        let mut row = [0.0; 4];
        // SAFETY: as above.
        unsafe { f::advance_to_reverse(&at, &mut row, &mut next, &mut seed) };
        row
    });
    show("reverse", rows.as_flattened().to_vec());
}

fn spherical(printer: &mut Printer) {
    let at = [2.5, 0.75, -0.5];
    let mut show = |mode, primal: [f64; 3], derivative| {
        let record = Record {
            case: "spherical",
            mode,
            width: 1,
            float: Float::F64,
            at: &at,
            primal: primal.to_vec(),
            derivative,
        };
        printer.print(&record, |at| {
            let mut to = vec![0.0; 3];
            f::spherical(at, &mut to);
            to
        });
    };

    let mut to = [0.0; 3];
    let columns = unit_vectors::<3>().map(|direction| {
        let mut column = [0.0; 3];
        f::spherical_forward(&at, &direction, &mut to, &mut column);
        column.to_vec()
    });
    show("forward", to, transpose(&columns));

    let mut to = [0.0; 3];
    let rows = unit_vectors::<3>().map(|mut seed| {
        let mut row = [0.0; 3];
        f::spherical_reverse(&at, &mut row, &mut to, &mut seed);
        row
    });
    show("reverse", to, rows.as_flattened().to_vec());
}
