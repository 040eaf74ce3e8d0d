/// A polynomial by Horner's rule, highest power last.
pub fn horner(c: &[%R], x: %R) -> %R {
    let mut y: %R = %L{0.0};
    for a in c.iter().rev() {
        y = y * x + *a;
    }
    y
}

/// The dot product.
pub fn dot(a: &[%R], b: &[%R]) -> %R {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// y += a x, element by element.
pub fn axpy(a: %R, x: &[%R], y: &mut [%R]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// A smooth step.
#[inline(never)]
pub fn sigmoid(x: %R) -> %R {
    %L{1.0} / (%L{1.0} + (-x).exp())
}

/// Neighbours are mixed, in place.
#[inline(never)]
pub fn smooth(x: &mut [%R]) {
    for i in 1..x.len() {
        x[i] = %L{0.5} * (x[i] + x[i - 1]);
    }
}

/// A row that is a copy, scaled.
pub fn scaled(x: &[%R], by: %R) -> Vec<%R> {
    x.iter().map(|v| v * by).collect()
}

/// The largest.
pub fn largest(x: &[%R]) -> %R {
    x.iter().copied().fold(%R::NEG_INFINITY, %R::max)
}
