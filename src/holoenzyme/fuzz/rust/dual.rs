//! Numbers that carry their derivatives: the oracle of `nox -s fuzz`. They behave as `f64` and `f32` do in all that
//! generated functions use.
//!
//! Besides the exact run there are noisy ones, in which every operation errs a little, far more than rounding does. How
//! far their results lie apart bounds what rounding and another order of operations may do to a derivative.

use std::cell::Cell;
use std::cmp::Ordering;
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, Sub, SubAssign};

/// At most so many inputs have a function.
pub const K: usize = 32;

thread_local! {
    static NOISE: Cell<bool> = const { Cell::new(false) };
    static STATE: Cell<u64> = const { Cell::new(1) };
    static KINK: Cell<bool> = const { Cell::new(false) };
}

/// Where the derivative is a matter of convention, nothing is compared.
pub fn kink(yes: bool) {
    if yes {
        KINK.set(true);
    }
}

/// A number from -1 to 1, or 0 in the exact run.
fn noise() -> f64 {
    if !NOISE.get() {
        return 0.0;
    }
    let mut x = STATE.get();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    STATE.set(x);
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

macro_rules! operator {
    ($name:ident, $trait:ident, $method:ident, $assign:ident, $assigned:ident) => {
        impl $trait<&$name> for $name {
            type Output = $name;
            fn $method(self, other: &$name) -> $name {
                $trait::$method(self, *other)
            }
        }
        impl $trait<$name> for &$name {
            type Output = $name;
            fn $method(self, other: $name) -> $name {
                $trait::$method(*self, other)
            }
        }
        impl $trait<&$name> for &$name {
            type Output = $name;
            fn $method(self, other: &$name) -> $name {
                $trait::$method(*self, *other)
            }
        }
        impl $assign for $name {
            fn $assigned(&mut self, other: $name) {
                *self = $trait::$method(*self, other);
            }
        }
        impl $assign<&$name> for $name {
            fn $assigned(&mut self, other: &$name) {
                *self = $trait::$method(*self, *other);
            }
        }
    };
}

macro_rules! dual {
    ($name:ident, $float:ident, $constant:ident, $input:ident, $error:expr) => {
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            pub v: $float,
            pub d: [f64; K],
        }

        pub const fn $constant(v: $float) -> $name {
            $name { v, d: [0.0; K] }
        }

        /// The input of this number.
        pub fn $input(v: $float, number: usize) -> $name {
            let mut d = [0.0; K];
            d[number] = 1.0;
            $name { v, d }
        }

        impl Default for $name {
            fn default() -> Self {
                $constant(0.0)
            }
        }

        impl $name {
            pub const MAX: Self = $constant($float::MAX);
            pub const MIN: Self = $constant($float::MIN);
            pub const INFINITY: Self = $constant($float::INFINITY);
            pub const NEG_INFINITY: Self = $constant($float::NEG_INFINITY);
            pub const EPSILON: Self = $constant($float::EPSILON);
            pub const NAN: Self = $constant($float::NAN);

            fn is_constant(&self) -> bool {
                self.d.iter().all(|d| *d == 0.0)
            }

            #[inline(never)]
            fn with(self, other: Self, v: $float, a: f64, b: f64) -> Self {
                let mut d = [0.0; K];
                for i in 0..K {
                    // What does not depend on an input stays so, whatever the slope is.
                    if self.d[i] != 0.0 {
                        kink(!a.is_finite());
                        d[i] += self.d[i] * a;
                    }
                    if other.d[i] != 0.0 {
                        kink(!b.is_finite());
                        d[i] += other.d[i] * b;
                    }
                    d[i] *= 1.0 + $error * noise();
                }
                Self { v: v * (1.0 + $error * noise()) as $float, d }
            }

            fn map(self, v: $float, slope: f64) -> Self {
                self.with($constant(0.0), v, slope, 0.0)
            }

            fn x(self) -> f64 {
                self.v.into()
            }

            /// Without a derivative: a step function, whose derivative jumps where `jump` says so.
            fn step(self, v: $float, jump: bool) -> Self {
                kink(jump && !self.is_constant());
                $constant(v)
            }

            pub fn sin(self) -> Self { self.map(self.v.sin(), self.x().cos()) }
            pub fn cos(self) -> Self { self.map(self.v.cos(), -self.x().sin()) }
            pub fn tan(self) -> Self { self.map(self.v.tan(), 1.0 + self.x().tan().powi(2)) }
            pub fn sin_cos(self) -> (Self, Self) { (self.sin(), self.cos()) }
            pub fn sinh(self) -> Self { self.map(self.v.sinh(), self.x().cosh()) }
            pub fn cosh(self) -> Self { self.map(self.v.cosh(), self.x().sinh()) }
            pub fn tanh(self) -> Self { self.map(self.v.tanh(), 1.0 - self.x().tanh().powi(2)) }
            pub fn asin(self) -> Self { self.map(self.v.asin(), 1.0 / (1.0 - self.x() * self.x()).sqrt()) }
            pub fn acos(self) -> Self { self.map(self.v.acos(), -1.0 / (1.0 - self.x() * self.x()).sqrt()) }
            pub fn atan(self) -> Self { self.map(self.v.atan(), 1.0 / (1.0 + self.x() * self.x())) }
            pub fn exp(self) -> Self { self.map(self.v.exp(), self.x().exp()) }
            pub fn exp2(self) -> Self { self.map(self.v.exp2(), self.x().exp2() * std::f64::consts::LN_2) }
            pub fn exp_m1(self) -> Self { self.map(self.v.exp_m1(), self.x().exp()) }
            pub fn ln(self) -> Self { self.map(self.v.ln(), 1.0 / self.x()) }
            pub fn ln_1p(self) -> Self { self.map(self.v.ln_1p(), 1.0 / (1.0 + self.x())) }
            pub fn log2(self) -> Self { self.map(self.v.log2(), std::f64::consts::LOG2_E / self.x()) }
            pub fn log10(self) -> Self { self.map(self.v.log10(), std::f64::consts::LOG10_E / self.x()) }
            pub fn sqrt(self) -> Self { self.map(self.v.sqrt(), 0.5 / self.x().sqrt()) }
            pub fn cbrt(self) -> Self { self.map(self.v.cbrt(), 1.0 / (3.0 * self.x().cbrt().powi(2))) }
            pub fn recip(self) -> Self { self.map(self.v.recip(), -1.0 / (self.x() * self.x())) }
            pub fn to_radians(self) -> Self { self.map(self.v.to_radians(), 1.0_f64.to_radians()) }
            pub fn powi(self, n: i32) -> Self {
                let slope = if n == 0 { 0.0 } else { f64::from(n) * self.x().powi(n - 1) };
                self.map(self.v.powi(n), slope)
            }
            pub fn powf(self, other: Self) -> Self {
                let (x, y) = (self.x(), other.x());
                kink(x <= 0.0);
                self.with(other, self.v.powf(other.v), y * x.powf(y - 1.0), x.powf(y) * x.ln())
            }
            pub fn atan2(self, other: Self) -> Self {
                let (y, x) = (self.x(), other.x());
                let square = x * x + y * y;
                self.with(other, self.v.atan2(other.v), x / square, -y / square)
            }
            pub fn hypot(self, other: Self) -> Self {
                let length = self.x().hypot(other.x());
                self.with(other, self.v.hypot(other.v), self.x() / length, other.x() / length)
            }
            pub fn mul_add(self, a: Self, b: Self) -> Self {
                let product = self.with(a, self.v.mul_add(a.v, b.v), a.x(), self.x());
                product.with(b, product.v, 1.0, 1.0)
            }
            pub fn abs(self) -> Self {
                kink(self.v == 0.0 && !self.is_constant());
                self.map(self.v.abs(), self.x().signum())
            }
            pub fn max(self, other: Self) -> Self {
                kink(self.v == other.v && self.d != other.d);
                if self.v >= other.v || other.v.is_nan() { self } else { other }
            }
            pub fn min(self, other: Self) -> Self {
                kink(self.v == other.v && self.d != other.d);
                if self.v <= other.v || other.v.is_nan() { self } else { other }
            }
            pub fn clamp(self, low: Self, high: Self) -> Self { self.max(low).min(high) }
            pub fn signum(self) -> Self { self.step(self.v.signum(), self.v == 0.0) }
            pub fn floor(self) -> Self { self.step(self.v.floor(), self.v.fract() == 0.0) }
            pub fn ceil(self) -> Self { self.step(self.v.ceil(), self.v.fract() == 0.0) }
            pub fn trunc(self) -> Self { self.step(self.v.trunc(), self.v.fract() == 0.0) }
            pub fn round(self) -> Self { self.step(self.v.round(), self.v.fract().abs() == 0.5) }
            pub fn fract(self) -> Self { self - self.trunc() }
            pub fn copysign(self, sign: Self) -> Self {
                kink((self.v == 0.0 && !self.is_constant()) || (sign.v == 0.0 && !sign.is_constant()));
                let slope = if (self.v < 0.0) == (sign.v < 0.0) { 1.0 } else { -1.0 };
                self.map(self.v.copysign(sign.v), slope)
            }
            pub fn is_nan(self) -> bool { self.v.is_nan() }
            pub fn is_finite(self) -> bool { self.v.is_finite() }
            pub fn is_sign_negative(self) -> bool { self.v.is_sign_negative() }
            pub fn total_cmp(&self, other: &Self) -> Ordering { self.v.total_cmp(&other.v) }
            /// As `x as usize`.
            pub fn whole(self) -> usize { self.v as usize }
            /// As `i as f64`.
            pub fn of(i: impl Whole) -> Self { $constant(i.number() as $float) }
            /// As `x as f64` of an `f32`.
            pub fn of_single(x: D32) -> Self { Self { v: x.v.into(), d: x.d } }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool { self.v == other.v }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> { self.v.partial_cmp(&other.v) }
        }
        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self { Self { v: -self.v, d: self.d.map(|d| -d) } }
        }
        impl Neg for &$name {
            type Output = $name;
            fn neg(self) -> $name { -*self }
        }
        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self { self.with(other, self.v + other.v, 1.0, 1.0) }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self { self.with(other, self.v - other.v, 1.0, -1.0) }
        }
        impl Mul for $name {
            type Output = Self;
            fn mul(self, other: Self) -> Self { self.with(other, self.v * other.v, other.x(), self.x()) }
        }
        impl Div for $name {
            type Output = Self;
            fn div(self, other: Self) -> Self {
                let (a, b) = (self.x(), other.x());
                self.with(other, self.v / other.v, 1.0 / b, -a / (b * b))
            }
        }
        impl Rem for $name {
            type Output = Self;
            fn rem(self, other: Self) -> Self {
                let whole = (self.x() / other.x()).trunc();
                kink(!other.is_constant() || self.v % other.v == 0.0);
                self.with(other, self.v % other.v, 1.0, -whole)
            }
        }
        operator!($name, Add, add, AddAssign, add_assign);
        operator!($name, Sub, sub, SubAssign, sub_assign);
        operator!($name, Mul, mul, MulAssign, mul_assign);
        operator!($name, Div, div, DivAssign, div_assign);
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(all: I) -> Self { all.fold($constant(0.0), |a, b| a + b) }
        }
        impl<'a> Sum<&'a $name> for $name {
            fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self { all.fold($constant(0.0), |a, b| a + b) }
        }
        impl Product for $name {
            fn product<I: Iterator<Item = Self>>(all: I) -> Self { all.fold($constant(1.0), |a, b| a * b) }
        }
        impl<'a> Product<&'a $name> for $name {
            fn product<I: Iterator<Item = &'a Self>>(all: I) -> Self { all.fold($constant(1.0), |a, b| a * b) }
        }
        impl Number for $name {
            fn out(&self) -> D64 { D64 { v: self.v.into(), d: self.d } }
            fn single(self) -> D32 { D32 { v: self.v as f32, d: self.d } }
        }
    };
}

pub trait Number {
    fn out(&self) -> D64;
    fn single(self) -> D32;
}

/// What may be cast to a number; none is so large that an `i64` is too small.
pub trait Whole {
    fn number(self) -> i64;
}

macro_rules! whole {
    ($($name:ident)*) => {
        $(impl Whole for $name {
            fn number(self) -> i64 { self as i64 }
        })*
    };
}

whole!(usize u8 u16 u32 u64 i8 i16 i32 i64);

dual!(D64, f64, c64, v64, 1.0 / (1u64 << 40) as f64);
dual!(D32, f32, c32, v32, 1.0 / (1u64 << 18) as f64);

/// As `x as f64` and `f64::from(x)`.
pub fn wide(x: D32) -> D64 {
    D64 { v: x.v.into(), d: x.d }
}

/// As `x as f32`.
pub fn narrow(x: impl Number) -> D32 {
    let x = x.single();
    x.map(x.v, 1.0)
}

/// The instructions of `std::arch::x86_64` that generated functions use.
pub mod arch {
    use super::D64;

    #[allow(non_camel_case_types)]
    pub type __m128d = [D64; 2];

    pub unsafe fn _mm_loadu_pd(p: *const D64) -> __m128d { unsafe { [*p, *p.add(1)] } }
    pub unsafe fn _mm_storeu_pd(p: *mut D64, a: __m128d) { unsafe { (*p, *p.add(1)) = (a[0], a[1]) } }
    pub fn _mm_set1_pd(a: D64) -> __m128d { [a, a] }
    pub fn _mm_set_pd(b: D64, a: D64) -> __m128d { [a, b] }
    pub fn _mm_setzero_pd() -> __m128d { [super::c64(0.0); 2] }
    pub fn _mm_add_pd(a: __m128d, b: __m128d) -> __m128d { [a[0] + b[0], a[1] + b[1]] }
    pub fn _mm_sub_pd(a: __m128d, b: __m128d) -> __m128d { [a[0] - b[0], a[1] - b[1]] }
    pub fn _mm_mul_pd(a: __m128d, b: __m128d) -> __m128d { [a[0] * b[0], a[1] * b[1]] }
    pub fn _mm_add_sd(a: __m128d, b: __m128d) -> __m128d { [a[0] + b[0], a[1]] }
    pub fn _mm_mul_sd(a: __m128d, b: __m128d) -> __m128d { [a[0] * b[0], a[1]] }
    pub fn _mm_unpackhi_pd(a: __m128d, b: __m128d) -> __m128d { [a[1], b[1]] }
    pub fn _mm_unpacklo_pd(a: __m128d, b: __m128d) -> __m128d { [a[0], b[0]] }
    pub fn _mm_shuffle_pd<const I: i32>(a: __m128d, b: __m128d) -> __m128d {
        [a[(I & 1) as usize], b[(I >> 1 & 1) as usize]]
    }
    pub fn _mm_cvtsd_f64(a: __m128d) -> D64 { a[0] }
}

/// Run a function exactly and with noise, and print its outputs and their derivatives, each with its spread.
pub fn report(name: &str, inputs: usize, function: fn() -> Vec<D64>) {
    NOISE.set(false);
    KINK.set(false);
    let Ok(exact) = std::panic::catch_unwind(function) else {
        println!("panic {name}");
        return;
    };
    let kinked = KINK.get();
    let mut spread = vec![vec![0.0_f64; inputs + 1]; exact.len()];
    NOISE.set(true);
    for seed in 1..=4 {
        STATE.set(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed));
        let Ok(noisy) = std::panic::catch_unwind(function) else {
            println!("panic {name}");
            return;
        };
        for (row, (a, b)) in spread.iter_mut().zip(exact.iter().zip(&noisy)) {
            row[0] = worst(row[0], a.v - b.v);
            for i in 0..inputs {
                row[i + 1] = worst(row[i + 1], a.d[i] - b.d[i]);
            }
        }
    }
    let outputs = exact.iter().zip(&spread).map(|(a, row)| {
        let all = std::iter::once(a.v).chain(a.d).zip(row);
        all.map(|(x, s)| format!("{:016x}:{:016x}", x.to_bits(), s.to_bits())).collect::<Vec<_>>().join(",")
    });
    let kind = if kinked { "kink" } else { "exact" };
    println!("{kind} {name} {}", outputs.collect::<Vec<_>>().join(";"));
}

/// The greater, and NaN where one is NaN.
fn worst(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b.abs()) }
}
