//! The same numbers in every run, on every machine.

/// A linear congruential generator (Knuth's MMIX).
pub struct Numbers(u64);

impl Numbers {
    /// A generator; other seeds give other numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, between -1 and 1.
    pub fn one(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// As many numbers as are asked for, each times `scale`.
    pub fn take(&mut self, count: usize, scale: f64) -> Vec<f64> {
        (0..count).map(|_| scale * self.one()).collect()
    }
}
