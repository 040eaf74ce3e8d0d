//! SSE: lanes that are not used hold anything, and anything times zero need not be zero.

use crate::case::Case;
use crate::{gradient, single};
use std::arch::x86_64::*;

pub const CASES: &[Case] = &[product2::CASE, product4::CASE];

gradient!(product2, [2.0, 3.0], 0, |x, _n| {
    assert!(x.len() >= 2);
    // SAFETY: there are two numbers.
    unsafe {
        let v = _mm_loadu_pd(x.as_ptr());
        _mm_cvtsd_f64(_mm_mul_pd(v, _mm_unpackhi_pd(v, v)))
    }
});

single!(product4, [2.0, 3.0, 5.0, 7.0], 0, |x, _n| {
    assert!(x.len() >= 4);
    // SAFETY: there are four numbers.
    unsafe {
        let v = _mm_loadu_ps(x.as_ptr());
        let v = _mm_mul_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_mul_ps(v, _mm_shuffle_ps(v, v, 1)))
    }
});
