//! Choices, calls, iterators and lanes, in other ways.

use crate::case::Case;
use crate::copies::weigh;
use crate::{gradient, single, slope};
use std::arch::x86_64::*;
use std::borrow::Cow;

pub const CASES: &[Case] = &[
    borrowed_or_owned::CASE,
    number_or_default::CASE,
    parameters_by_kind::CASE,
    table_by_kind::CASE,
    vector_made::CASE,
    closure_chosen::CASE,
    boxed_closure::CASE,
    enumeration::CASE,
    constant_static::CASE,
    filtered::CASE,
    windows::CASE,
    zipped::CASE,
    scanned::CASE,
    folded::CASE,
    chained::CASE,
    horizontal::CASE,
    blended::CASE,
    counted::CASE,
    generic::CASE,
];

gradient!(borrowed_or_owned, [0.3, 0.4, 0.5], 1, |x, n| {
    let y: Cow<[f64]> = if n == 0 {
        Cow::Borrowed(x)
    } else {
        Cow::Owned(x.iter().map(|v| v * v).collect())
    };
    weigh(&y)
});

gradient!(number_or_default, [0.3, 0.4, 0.5], 1, |x, n| {
    let scale = (n == 0).then_some(x[0]).unwrap_or(2.5);
    let shift = x.get(n).copied().unwrap_or(1.0);
    scale * x[2] * x[2] + shift * shift
});

static SLOW: [f64; 3] = [1.0, 2.0, 3.0];
static FAST: [f64; 3] = [0.5, 0.25, 0.125];

gradient!(parameters_by_kind, [0.3, 0.4, 0.5], 1, |x, n| {
    let table: &[f64] = match n {
        0 => x,
        1 => &SLOW,
        _ => &FAST,
    };
    let mut sum = 0.0;
    for i in 0..3 {
        sum += table[i] * x[i] * x[i];
    }
    sum
});

gradient!(table_by_kind, [0.3, 0.4, 0.5], 0, |x, n| {
    let table: &[f64] = match n {
        0 => x,
        1 => &SLOW,
        _ => &FAST,
    };
    let mut sum = 0.0;
    for i in 0..3 {
        sum += table[i] * x[i] * x[i];
    }
    sum
});

gradient!(vector_made, [0.3, 0.4, 0.5], 1, |x, n| {
    let mut h = vec![1.0, 2.0, 3.0];
    if n == 1 {
        h = x.iter().map(|v| v * v * v).collect();
    }
    weigh(&h)
});

slope!(closure_chosen, 0.3, 1, |x, n| {
    let square = |v: f64| v * v * v;
    let wave = |v: f64| v.sin() * x;
    if n == 0 { square(x) } else { wave(x) }
});

slope!(boxed_closure, 0.3, 1, |x, n| {
    let law: Box<dyn Fn(f64) -> f64> = if n == 0 {
        Box::new(|v| v * v)
    } else {
        Box::new(move |v| v * v * x)
    };
    law(x)
});

enum Law {
    Power(i32),
    Wave(f64),
}

slope!(enumeration, 0.3, 1, |x, n| {
    let laws = [Law::Power(3), Law::Wave(2.0), Law::Power(2)];
    let mut sum = 0.0;
    for law in &laws[n..] {
        sum += match law {
            Law::Power(k) => x.powi(*k),
            Law::Wave(a) => a * x.sin(),
        };
    }
    sum
});

gradient!(constant_static, [0.3, 0.4, 0.5], 1, |x, n| {
    let mut sum = 0.0;
    for i in 0..3 {
        sum += SLOW[(i + n) % 3] * x[i].powi(3);
    }
    sum
});

gradient!(filtered, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 0, |x, _n| {
    let some: Vec<f64> = x.iter().filter(|v| **v > 0.35).map(|v| v * v).collect();
    some.iter().sum::<f64>() * some[0]
});

gradient!(windows, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    x.windows(2).map(|w| w[0] * w[1] * w[1]).sum()
});

gradient!(zipped, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    x.iter().zip(x.iter().skip(1)).map(|(a, b)| a * a * b).sum()
});

gradient!(scanned, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    x.iter()
        .scan(1.0, |product, v| {
            *product *= v;
            Some(*product)
        })
        .sum()
});

gradient!(folded, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    x.iter().rev().fold(0.0, |sum: f64, v| sum * 0.5 + v * v)
});

gradient!(chained, [0.3, 0.4, 0.5, 0.6], 2, |x, n| {
    let (a, b) = x.split_at(n);
    b.iter()
        .chain(a)
        .enumerate()
        .map(|(i, v)| (i + 1) as f64 * v * v)
        .sum()
});

gradient!(horizontal, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    assert!(x.len() >= 4);
    // SAFETY: there are four numbers.
    unsafe {
        let (a, b) = (_mm_loadu_pd(x.as_ptr()), _mm_loadu_pd(x.as_ptr().add(2)));
        let v = _mm_mul_pd(a, _mm_shuffle_pd(b, b, 1));
        let v = _mm_add_pd(v, _mm_unpackhi_pd(v, v));
        _mm_cvtsd_f64(_mm_mul_sd(v, _mm_unpackhi_pd(a, a)))
    }
});

single!(blended, [1.25, 1.5, 0.75, 2.0], 0, |x, _n| {
    assert!(x.len() >= 4);
    // SAFETY: there are four numbers.
    unsafe {
        let v = _mm_loadu_ps(x.as_ptr());
        let v = _mm_mul_ps(v, _mm_shuffle_ps(v, v, 0b00_01_10_11));
        let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_mul_ss(v, _mm_shuffle_ps(v, v, 0b01_01_01_01)))
    }
});

// A counter beside the numbers: integers and numbers in one structure.
struct Sums {
    count: usize,
    sum: f64,
    squares: f64,
}

gradient!(counted, [0.3, 0.4, 0.5, 0.6], 0, |x, _n| {
    let mut s = Sums {
        count: 0,
        sum: 0.0,
        squares: 0.0,
    };
    for v in x {
        if *v > 0.35 {
            s = Sums {
                count: s.count + 1,
                sum: s.sum + v,
                squares: s.squares + v * v,
            };
        }
    }
    let mean = s.sum / s.count as f64;
    s.squares / s.count as f64 - mean * mean
});

trait Potential {
    fn at(&self, r: f64) -> f64;
}

struct Harmonic(f64);
struct Morse {
    depth: f64,
    width: f64,
}

impl Potential for Harmonic {
    fn at(&self, r: f64) -> f64 {
        0.5 * self.0 * r * r
    }
}

impl Potential for Morse {
    fn at(&self, r: f64) -> f64 {
        let e = 1.0 - (-self.width * r).exp();
        self.depth * e * e
    }
}

fn energy<P: Potential>(potential: &P, x: &[f64]) -> f64 {
    x.windows(2).map(|w| potential.at(w[1] - w[0])).sum()
}

gradient!(generic, [0.3, 0.4, 0.6, 0.9], 0, |x, _n| {
    energy(&Harmonic(2.0), x)
        + energy(
            &Morse {
                depth: x[0],
                width: 1.5,
            },
            x,
        )
});
