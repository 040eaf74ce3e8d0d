//! Records that hold a number and something else, many at once: constants copied over them, zeroed, grown, cloned.

use crate::case::Case;
use crate::{gradient, single};

pub const CASES: &[Case] = &[
    constant_over_record::CASE,
    records_cleared::CASE,
    pairs_grown::CASE,
    number_or_code::CASE,
];

#[derive(Clone, Copy)]
#[repr(C)]
struct Step {
    turns: usize,
    length: f64,
    weight: f64,
}

static STEPS: [Step; 3] = [
    Step {
        turns: 1,
        length: 0.5,
        weight: 2.0,
    },
    Step {
        turns: 2,
        length: 1.5,
        weight: 3.0,
    },
    Step {
        turns: 0,
        length: 0.25,
        weight: 4.0,
    },
];

#[inline(never)]
fn advance(step: &mut Step, by: f64) {
    step.weight *= by;
    step.length += by;
    step.turns += 1;
}

// The adjoints of what a constant replaces are zero, wherever they lie in the record.
gradient!(constant_over_record, [0.5, 1.5, 2.5], 7, |x, n| {
    let mut step = Step {
        turns: n,
        length: x[0],
        weight: x[1],
    };
    let mut sum = 0.0;
    for i in 0..n {
        sum += step.weight * x[i % 3] + step.length * step.turns as f64;
        advance(&mut step, x[(i + 1) % 3]);
        sum += step.weight;
        if i % 2 == 0 {
            step = STEPS[i % 3];
        }
    }
    sum
});

#[derive(Clone, Copy)]
#[repr(C)]
struct Bin {
    hits: usize,
    sum: f64,
}

#[inline(never)]
fn clear(bins: &mut [Bin]) {
    for bin in bins.iter_mut() {
        *bin = Bin { hits: 0, sum: 0.0 };
    }
}

// LLVM makes one call of it that zeroes all, as many as run time says.
gradient!(records_cleared, [0.5, 1.5, 2.5], 7, |x, n| {
    let mut bins = [Bin { hits: n, sum: x[0] }; 6];
    let mut sum = 0.0;
    for i in 0..n {
        for (j, bin) in bins.iter_mut().enumerate() {
            bin.sum += x[(i + j) % 3];
            bin.hits += 1;
            sum += bin.sum * x[j % 3] * bin.hits as f64;
        }
        if i % 3 == 2 {
            clear(&mut bins[..i % 6]);
        }
    }
    sum
});

// Pairs are moved when the vector grows, and when it is cloned.
gradient!(pairs_grown, [0.5, 1.5, 2.5], 7, |x, n| {
    let mut pairs = Vec::new();
    for i in 0..n {
        pairs.push((i % 3, x[i % 3] * x[0]));
    }
    let mut others = pairs.clone();
    for (at, weight) in &mut others {
        *weight *= x[*at];
    }
    let each = pairs.iter().zip(&others).enumerate();
    each.map(|(i, (a, b))| a.1 * b.1 * x[(i + a.0) % 3]).sum()
});

#[inline(never)]
fn reading(x: f32, k: usize) -> Result<f32, u32> {
    if k % 3 == 1 {
        Err(k as u32 * 5)
    } else {
        Ok(x * x + k as f32)
    }
}

// Returned as one integer of which the flag has half.
single!(number_or_code, [0.25, -0.5, 0.75], 4, |x, n| {
    let mut sum = x[0];
    for i in 0..n {
        sum += match reading(sum * 0.5 + x[i % 3], i) {
            Ok(v) => v * x[1],
            Err(code) => code as f32 * x[2],
        };
    }
    sum
});
