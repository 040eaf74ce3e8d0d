//! What is differentiated, in every mode, and what is printed of it.

use std::hint::black_box;

/// Outputs, and derivatives: one list for each direction (forward), or for each output (reverse).
pub type Derived = (Vec<f64>, Vec<Vec<f64>>);

/// A function of some numbers and of `n`, which no derivative is asked of, and its derivatives.
pub struct Case {
    pub name: &'static str,
    pub at: &'static [f64],
    pub n: usize,
    /// The step of central differences.
    pub step: f64,
    pub primal: fn(&[f64], usize) -> Vec<f64>,
    pub forward: fn(&[f64], &[f64], usize) -> Derived,
    #[cfg(feature = "variants")]
    pub forward2: fn(&[f64], [&[f64]; 2], usize) -> Derived,
    pub forward4: fn(&[f64], [&[f64]; 4], usize) -> Derived,
    pub reverse: fn(&[f64], usize) -> Derived,
    /// None where upstream has no such derivative: arguments and results that are numbers.
    pub reverse4: Option<fn(&[f64], usize) -> Derived>,
}

impl Case {
    /// Prints the outputs and the Jacobian (outputs × inputs, row by row) of each mode; returns how many lines.
    ///
    /// Everything is computed twice, because the first call may leave something behind that makes the second one wrong.
    pub fn print(&self) -> usize {
        let modes = self.modes();
        let again = self.modes();
        let mut printed = 0;
        for ((mode, values), (_, second)) in modes.iter().zip(&again) {
            printed += line(&format!("{} {mode}", self.name), values);
            // Equal but for the order of sums, which is the same; what is NaN is wrong in the line above already.
            if values != second && !values.iter().any(|value| value.is_nan()) {
                printed += line(&format!("{} {mode}, called again", self.name), second);
            }
        }
        printed
    }

    fn modes(&self) -> Vec<(&'static str, Vec<f64>)> {
        let (at, n) = (black_box(self.at), black_box(self.n));
        let units: Vec<Vec<f64>> = (0..at.len())
            .map(|i| (0..at.len()).map(|j| f64::from(u8::from(i == j))).collect())
            .collect();
        let zero = vec![0.0; at.len()];
        let unit = |i: usize| units.get(i).unwrap_or(&zero).as_slice();

        let one = by_columns(at.len(), 1, |i| (self.forward)(at, unit(i), n));
        #[cfg(feature = "variants")]
        let two = by_columns(at.len(), 2, |i| {
            (self.forward2)(at, [unit(i), unit(i + 1)], n)
        });
        let four = by_columns(at.len(), 4, |i| {
            (self.forward4)(at, [unit(i), unit(i + 1), unit(i + 2), unit(i + 3)], n)
        });
        let by_rows = |(outputs, rows): Derived| [outputs, rows.concat()].concat();
        let mut all = vec![
            ("forward 1", one),
            #[cfg(feature = "variants")]
            ("forward 2", two),
            ("forward 4", four),
            ("reverse", by_rows((self.reverse)(at, n))),
        ];
        if let Some(reverse) = self.reverse4 {
            all.push(("reverse 4", by_rows(reverse(at, n))));
        }
        all.push(("differences", self.differences(at, n)));
        all
    }

    fn differences(&self, at: &[f64], n: usize) -> Vec<f64> {
        let columns = by_columns(at.len(), 1, |i| {
            let moved = |by: f64| {
                let mut point = at.to_vec();
                point[i] += by;
                (self.primal)(&point, n)
            };
            let (above, below) = (moved(self.step), moved(-self.step));
            let slope = above
                .iter()
                .zip(&below)
                .map(|(a, b)| (a - b) / (2.0 * self.step))
                .collect();
            (vec![0.0; above.len()], vec![slope])
        });
        let outputs = (self.primal)(at, n);
        [&outputs, &columns[outputs.len()..]].concat()
    }
}

/// Outputs and Jacobian, from calls that each give `width` columns of it.
fn by_columns(inputs: usize, width: usize, call: impl Fn(usize) -> Derived) -> Vec<f64> {
    let mut outputs = Vec::new();
    let mut columns = Vec::new();
    for first in (0..inputs).step_by(width) {
        let (values, directions) = call(first);
        outputs = values;
        columns.extend(directions.into_iter().take(inputs - first));
    }
    let rows: Vec<f64> = (0..outputs.len())
        .flat_map(|i| columns.iter().map(move |column| column[i]))
        .collect();
    [outputs, rows].concat()
}

/// Of four gradients that must be equal: the first one, and what differs from it in any other.
pub fn differing(gradients: [Vec<f64>; 4]) -> Vec<f64> {
    let [first, others @ ..] = gradients;
    let differing = |i: usize| others.iter().map(|other| other[i]).find(|v| *v != first[i]);
    (0..first.len())
        .map(|i| differing(i).unwrap_or(first[i]))
        .collect()
}

/// Prints values; what is not finite is no JSON, and is said in words.
fn line(case: &str, values: &[f64]) -> usize {
    let digits: Vec<String> = values
        .iter()
        .map(|value| {
            if value.is_finite() {
                format!("{value:.16e}")
            } else {
                format!(r#""{value}""#)
            }
        })
        .collect();
    println!(r#"{{"case": "{case}", "values": [{}]}}"#, digits.join(", "));
    1
}

/// A number of a slice.
#[macro_export]
macro_rules! gradient {
    ($name:ident, $at:expr, $n:expr, |$x:ident, $k:ident| $body:block) => {
        pub mod $name {
            #[allow(unused_imports)]
            use super::*;
            use std::autodiff::{autodiff_forward, autodiff_reverse};

            #[autodiff_forward(forward, Dual, Const, Dual)]
            #[cfg_attr(feature = "variants", autodiff_forward(forward2, 2, Dual, Const, Dual))]
            #[autodiff_forward(forward4, 4, Dual, Const, Dual)]
            #[autodiff_reverse(reverse, Duplicated, Const, Active)]
            #[autodiff_reverse(reverse4, 4, Duplicated, Const, Active)]
            fn primal($x: &[f64], $k: usize) -> f64 $body

            pub const CASE: $crate::case::Case = $crate::case::Case {
                name: stringify!($name),
                at: &$at,
                n: $n,
                step: 1e-5,
                primal: |x, n| vec![primal(x, n)],
                forward: |x, d, n| {
                    let (value, slope) = forward(x, d, n);
                    (vec![value], vec![vec![slope]])
                },
                #[cfg(feature = "variants")]
                forward2: |x, [a, b], n| {
                    let [value, slopes @ ..] = forward2(x, a, b, n);
                    (vec![value], slopes.map(|slope| vec![slope]).to_vec())
                },
                forward4: |x, [a, b, c, d], n| {
                    let [value, slopes @ ..] = forward4(x, a, b, c, d, n);
                    (vec![value], slopes.map(|slope| vec![slope]).to_vec())
                },
                reverse: |x, n| {
                    let mut slopes = vec![0.0; x.len()];
                    let value = reverse(x, &mut slopes, n, 1.0);
                    (vec![value], vec![slopes])
                },
                reverse4: Some(|x, n| {
                    let [mut a, mut b, mut c, mut d] = [(); 4].map(|()| vec![0.0; x.len()]);
                    let value = reverse4(x, &mut a, &mut b, &mut c, &mut d, n, 1.0);
                    (vec![value], vec![$crate::case::differing([a, b, c, d])])
                }),
            };
        }
    };
}

/// A number of one number.
#[macro_export]
macro_rules! slope {
    ($name:ident, $at:expr, $n:expr, |$x:ident, $k:ident| $body:block) => {
        pub mod $name {
            #[allow(unused_imports)]
            use super::*;
            use std::autodiff::{autodiff_forward, autodiff_reverse};

            #[autodiff_forward(forward, Dual, Const, Dual)]
            #[cfg_attr(feature = "variants", autodiff_forward(forward2, 2, Dual, Const, Dual))]
            #[autodiff_forward(forward4, 4, Dual, Const, Dual)]
            #[autodiff_reverse(reverse, Active, Const, Active)]
            fn primal($x: f64, $k: usize) -> f64 $body

            pub const CASE: $crate::case::Case = $crate::case::Case {
                name: stringify!($name),
                at: &[$at],
                n: $n,
                step: 1e-5,
                primal: |x, n| vec![primal(x[0], n)],
                forward: |x, d, n| {
                    let (value, slope) = forward(x[0], d[0], n);
                    (vec![value], vec![vec![slope]])
                },
                #[cfg(feature = "variants")]
                forward2: |x, d, n| {
                    let [value, slopes @ ..] = forward2(x[0], d[0][0], d[1][0], n);
                    (vec![value], slopes.map(|slope| vec![slope]).to_vec())
                },
                forward4: |x, d, n| {
                    let [value, slopes @ ..] = forward4(x[0], d[0][0], d[1][0], d[2][0], d[3][0], n);
                    (vec![value], slopes.map(|slope| vec![slope]).to_vec())
                },
                reverse: |x, n| {
                    let (value, slope) = reverse(x[0], n, 1.0);
                    (vec![value], vec![vec![slope]])
                },
                reverse4: None,
            };
        }
    };
}

/// A slice that is changed in place.
#[macro_export]
macro_rules! in_place {
    ($name:ident, $at:expr, $n:expr, |$x:ident, $k:ident| $body:block) => {
        pub mod $name {
            #[allow(unused_imports)]
            use super::*;
            use std::autodiff::{autodiff_forward, autodiff_reverse};

            #[autodiff_forward(forward, Dual, Const)]
            #[cfg_attr(feature = "variants", autodiff_forward(forward2, 2, Dual, Const))]
            #[autodiff_forward(forward4, 4, Dual, Const)]
            #[autodiff_reverse(reverse, Duplicated, Const)]
            #[autodiff_reverse(reverse4, 4, Duplicated, Const)]
            fn primal($x: &mut [f64], $k: usize) $body

            pub const CASE: $crate::case::Case = $crate::case::Case {
                name: stringify!($name),
                at: &$at,
                n: $n,
                step: 1e-5,
                primal: |x, n| {
                    let mut y = x.to_vec();
                    primal(&mut y, n);
                    y
                },
                forward: |x, d, n| {
                    let (mut y, mut d) = (x.to_vec(), d.to_vec());
                    forward(&mut y, &mut d, n);
                    (y, vec![d])
                },
                #[cfg(feature = "variants")]
                forward2: |x, d, n| {
                    let (mut y, [mut a, mut b]) = (x.to_vec(), d.map(<[f64]>::to_vec));
                    forward2(&mut y, &mut a, &mut b, n);
                    (y, vec![a, b])
                },
                forward4: |x, d, n| {
                    let (mut y, [mut a, mut b, mut c, mut d]) = (x.to_vec(), d.map(<[f64]>::to_vec));
                    forward4(&mut y, &mut a, &mut b, &mut c, &mut d, n);
                    (y, vec![a, b, c, d])
                },
                reverse: |x, n| {
                    let mut y = Vec::new();
                    let rows = (0..x.len())
                        .map(|i| {
                            let mut seed = vec![0.0; x.len()];
                            seed[i] = 1.0;
                            y = x.to_vec();
                            reverse(&mut y, &mut seed, n);
                            seed
                        })
                        .collect();
                    (y, rows)
                },
                reverse4: Some(|x, n| {
                    let mut y = Vec::new();
                    let mut rows = Vec::new();
                    for first in (0..x.len()).step_by(4) {
                        let [mut a, mut b, mut c, mut d] = [0, 1, 2, 3].map(|lane| {
                            let mut seed = vec![0.0; x.len()];
                            if let Some(one) = seed.get_mut(first + lane) {
                                *one = 1.0;
                            }
                            seed
                        });
                        y = x.to_vec();
                        reverse4(&mut y, &mut a, &mut b, &mut c, &mut d, n);
                        rows.extend([a, b, c, d]);
                    }
                    rows.truncate(x.len());
                    (y, rows)
                }),
            };
        }
    };
}

/// A number of a slice, in single precision.
#[macro_export]
macro_rules! single {
    ($name:ident, $at:expr, $n:expr, |$x:ident, $k:ident| $body:block) => {
        pub mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::case::narrow;
            use std::autodiff::{autodiff_forward, autodiff_reverse};

            #[autodiff_forward(forward, Dual, Const, Dual)]
            #[cfg_attr(feature = "variants", autodiff_forward(forward2, 2, Dual, Const, Dual))]
            #[autodiff_forward(forward4, 4, Dual, Const, Dual)]
            #[autodiff_reverse(reverse, Duplicated, Const, Active)]
            #[autodiff_reverse(reverse4, 4, Duplicated, Const, Active)]
            fn primal($x: &[f32], $k: usize) -> f32 $body

            pub const CASE: $crate::case::Case = $crate::case::Case {
                name: stringify!($name),
                at: &$at,
                n: $n,
                step: 1.0 / 64.0,
                primal: |x, n| vec![primal(&narrow(x), n).into()],
                forward: |x, d, n| {
                    let (value, slope) = forward(&narrow(x), &narrow(d), n);
                    (vec![value.into()], vec![vec![slope.into()]])
                },
                #[cfg(feature = "variants")]
                forward2: |x, d, n| {
                    let [a, b] = d.map(narrow);
                    let [value, slopes @ ..] = forward2(&narrow(x), &a, &b, n);
                    (vec![value.into()], slopes.map(|slope| vec![slope.into()]).to_vec())
                },
                forward4: |x, d, n| {
                    let [a, b, c, d] = d.map(narrow);
                    let [value, slopes @ ..] = forward4(&narrow(x), &a, &b, &c, &d, n);
                    (vec![value.into()], slopes.map(|slope| vec![slope.into()]).to_vec())
                },
                reverse: |x, n| {
                    let mut slopes = vec![0.0; x.len()];
                    let value = reverse(&narrow(x), &mut slopes, n, 1.0);
                    (vec![value.into()], vec![slopes.into_iter().map(f64::from).collect()])
                },
                reverse4: Some(|x, n| {
                    let [mut a, mut b, mut c, mut d] = [(); 4].map(|()| vec![0.0; x.len()]);
                    let value = reverse4(&narrow(x), &mut a, &mut b, &mut c, &mut d, n, 1.0);
                    let wide = [a, b, c, d].map(|lane| lane.into_iter().map(f64::from).collect());
                    (vec![value.into()], vec![$crate::case::differing(wide)])
                }),
            };
        }
    };
}

/// Numbers in single precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the points are sums of few powers of two"
)]
pub fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&v| v as f32).collect()
}
