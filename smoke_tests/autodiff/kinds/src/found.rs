//! What generated functions found (`nox -s fuzz`), made smaller.

use crate::case::Case;
use crate::gradient;

pub const CASES: &[Case] = &[
    labelled::CASE,
    walked::CASE,
    split_loop::CASE,
    chosen_and_called::CASE,
    swapped_in_loop::CASE,
    read_twice::CASE,
    returned_past_call::CASE,
    rows_of_zeros::CASE,
    boxed_terms::CASE,
    least_so_far::CASE,
    divided_so_far::CASE,
    summed_twice::CASE,
    chunks_then_diagonal::CASE,
    indices_grown::CASE,
    result_replaced::CASE,
    missing_number::CASE,
    grown_together::CASE,
    root_or_code::CASE,
    constant_or_code::CASE,
    best_so_far::CASE,
    index_before::CASE,
    kept_and_grown::CASE,
    pairs_in_turn::CASE,
    perhaps_high::CASE,
    counted_perhaps::CASE,
    packed_factor::CASE,
    read_in_turn::CASE,
    around_condition::CASE,
];

// Loops that end together: how often the inner one ran was looked up where nothing was written.
gradient!(labelled, [0.3, 0.4, 0.5, 0.6, 0.7], 2, |x, n| {
    let mut s = 0.0;
    'outer: for i in 0..x.len() {
        let mut p = x[i];
        for j in 0..x.len() {
            if x[j] > 0.65 {
                break 'outer;
            }
            if j > i + n {
                continue 'outer;
            }
            p = p * x[j] + 0.5;
            s += p;
            if s > 500.0 {
                break 'outer;
            }
        }
        s += p.sin();
    }
    s
});

// What is read first is overwritten later, by a pointer that walks.
gradient!(walked, [0.3, 0.4, 0.5], 1, |x, n| {
    let mut a = vec![0.0; 5];
    a[0] = x[n];
    let squares: Vec<f64> = a.iter().map(|v| v * v).collect();
    let sum: f64 = squares.iter().sum();
    for pair in a.chunks_mut(2) {
        let t = pair[0] * x[n];
        for v in pair.iter_mut() {
            *v = 0.5 * *v + t;
        }
    }
    sum + a[0] * x[0] + a[3]
});

// The condition does not change in the loop, so that the compiler makes two loops of one.
gradient!(split_loop, [0.25, 0.875, 0.4], 2, |x, n| {
    let bounds = [1.0, 2.0, 0.3];
    let mut s = [1.0, 2.0, 0.3];
    for _ in 0..n {
        let b: [f64; 3] = std::array::from_fn(|i| {
            let factor = if (n as f64) < bounds[(n + 1) % 3] {
                -0.75
            } else {
                x[0]
            };
            s[i] * factor + 0.1
        });
        for i in 0..3 {
            s[i] += 0.1 * b[i] * b[i];
        }
    }
    s[0] * x[1] + s[1] * x[2] + s[2]
});

static TABLE: [f64; 3] = [0.75, 0.5, 0.25];

#[inline(never)]
fn three(a: f64, b: f64) -> [f64; 3] {
    [a * b, a + 1.0, (a.powi(2) + 1.0).recip() + b]
}

// A constant or the argument, and a call that writes its result through a pointer.
gradient!(chosen_and_called, [0.6, -0.8, 0.2], 3, |x, n| {
    let chosen: &[f64] = if n > 3 { x } else { &TABLE };
    let sum: f64 = chosen.iter().map(|v| v * v).sum();
    let mut a = [0.0; 3];
    for v in &mut a {
        *v = x[0];
    }
    let cycled = a.iter().cycle().skip(n).take(3).map(|v| v * v).sum::<f64>();
    let b = three(cycled, a[n % 3]);
    let c: [f64; 3] = std::array::from_fn(|i| (0.5 + x[(n + 1) % 3]) * a[i] + b[i]);
    b[2] * 1.5 + c[1] + sum * 0.5
});

gradient!(swapped_in_loop, [0.3, 0.5, 0.7, 0.9], 5, |x, n| {
    let mut now = x.to_vec();
    let mut next = vec![0.0; x.len()];
    for _ in 0..n {
        for i in 1..x.len() - 1 {
            next[i] = now[i] + 0.1 * (now[i - 1] - 2.0 * now[i] + now[i + 1]) * now[i];
        }
        next[0] = now[0];
        next[x.len() - 1] = now[x.len() - 1];
        std::mem::swap(&mut now, &mut next);
    }
    now.iter().map(|v| v * v).sum()
});

// Two references to one slice: both are read, and its shadow is written by both.
gradient!(read_twice, [0.3, 0.5, 0.7, 0.9], 4, |x, n| {
    let mut a = [0.0; 4];
    for i in 0..n {
        a[i] = x
            .iter()
            .map(|v| x.iter().map(|w| v * w).sum::<f64>())
            .sum::<f64>();
    }
    a.iter().map(|v| v * v).sum::<f64>()
});

#[inline(never)]
fn squares_added(a: &mut [f64], b: &[f64]) {
    for i in 0..a.len() {
        a[i] += b[i] * b[i];
    }
}

// A call in a branch that is not taken; what is returned owes nothing to it.
gradient!(returned_past_call, [0.5, 1.5, 2.5], 3, |x, n| {
    let &[a, b, c] = x else { return 0.0 };
    let p = [a, b, c];
    if n > 3 {
        squares_added(&mut [a, 1.0, b], &p);
    }
    let mut h = [0.0; 3];
    for i in 0..3 {
        h[i] = (p[i] * b).sin();
    }
    h[0] * 0.25 + h[2]
});

// The first row is zeros, the others are copies of it: of memory that was used before.
gradient!(rows_of_zeros, [0.5, 1.5, 2.5], 4, |x, n| {
    let used = vec![x[0] + 100.0; 3];
    let mut sum = used[0] * used[n - 2];
    drop(used);
    let mut rows = vec![vec![0.0; 3]; 2];
    rows[0][0] = x[1] * x[2];
    for row in &rows {
        for v in row {
            sum += v;
        }
    }
    sum
});

trait Term {
    fn at(&self, x: f64) -> f64;
}

struct Line(f64);

struct Square(f64);

impl Term for Line {
    fn at(&self, x: f64) -> f64 {
        self.0 * x
    }
}

impl Term for Square {
    fn at(&self, x: f64) -> f64 {
        self.0 * x * x
    }
}

// Methods behind pointers that a vector holds, and what drops them.
gradient!(boxed_terms, [0.5, 1.5, 2.5], 4, |x, n| {
    let mut terms: Vec<Box<dyn Term>> = vec![Box::new(Line(x[n % 3])), Box::new(Square(0.5))];
    if n > 3 {
        terms.push(Box::new(Square(x[2])));
    }
    terms.iter().map(|term| term.at(x[1])).sum::<f64>()
});

// What is the least until now counts in each turn, not for the one that is the least in the end.
gradient!(least_so_far, [0.7, 1.3, 0.9, 0.2, 1.8], 0, |x, _n| {
    let mut least = 10.0;
    let mut sum = 0.0;
    for &v in x {
        if v < least {
            least = v;
        }
        sum += least * v;
    }
    sum
});

gradient!(divided_so_far, [0.7, 1.3, 0.9, 0.5, 1.8], 0, |x, _n| {
    let mut left = x[0];
    let mut sum = 0.0;
    for &v in x {
        left /= v;
        sum += left;
    }
    sum
});

// Two walks through the same numbers in each turn, which are overwritten in the end.
gradient!(summed_twice, [0.5, 0.7, 0.9], 2, |x, n| {
    let mut y = [x[0], x[1], x[2]];
    let mut sum = 2.0;
    for _ in 0..n {
        let first = y.iter().rev().fold(0.5, |a, b| a * 0.5 + b * b) * sum;
        sum += y.iter().rev().fold(0.5, |a, b| a * 0.5 + b * b) * first;
    }
    y[0] += sum;
    y[0] * y[0] + y[1]
});

// As long as a whole chunk is left: one less than its length is the limit.
gradient!(chunks_then_diagonal, [0.5, 0.7, 0.9], 3, |x, n| {
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            a[i * n + j] = x[i] * x[j];
        }
    }
    for row in a.chunks_exact_mut(n) {
        let first = row[0];
        for v in row {
            *v += first * first;
        }
    }
    let mut sum = 0.0;
    for i in 0..n {
        sum += a[i * n + i] * a[i * n + i];
    }
    sum
});

// Indices have no derivative, and the memory that they outgrow is given back once.
gradient!(indices_grown, [0.5, 0.7, 0.9], 7, |x, n| {
    let mut starts = vec![0usize];
    for i in 0..n {
        starts.push(i + 1);
    }
    starts
        .windows(2)
        .map(|w| x[w[0] % 3] * (w[1] + 1) as f64)
        .sum()
});

#[inline(never)]
fn made_by_call(a: f64, b: f64) -> [f64; 3] {
    [a * b * 3.0, a + b, 0.5]
}

// What a call made is replaced, so that the call must not come later.
gradient!(result_replaced, [0.5, 0.7, 0.9], 1, |x, n| {
    let mut v = made_by_call(x[0], x[1]);
    for _ in 0..n {
        let _ = std::mem::replace(&mut v, [0.25; 3]);
    }
    v[0] + x[2] * v[1]
});

// Of two numbers, the one that is none counts as missing.
gradient!(missing_number, [-0.4, 0.7], 0, |x, _n| {
    x[0].sqrt().max(2.0 * x[0]) + (x[1] * x[1]).min(x[0].ln())
});

// Two that grow in one loop bound an inner loop of the next one.
gradient!(grown_together, [0.5, 0.7, 0.9], 7, |x, n| {
    let mut starts = vec![0];
    let mut values = vec![];
    for i in 0..n {
        values.push(x[i % 3]);
        starts.push(values.len());
    }
    starts
        .windows(2)
        .map(|w| values[w[0]..w[1]].iter().product::<f64>() * (w[0] + 1) as f64)
        .sum()
});

#[inline(never)]
fn root(x: f64) -> Result<f64, usize> {
    if x > 0.0 {
        Ok((x + 0.5).sqrt())
    } else {
        Err(7)
    }
}

// What is no number is computed without a branch, and chosen as an integer.
gradient!(root_or_code, [-0.7, 0.7], 0, |x, _n| {
    x.iter()
        .map(|&v| match root(v) {
            Ok(root) => root,
            Err(code) => code as f64 * 0.1 * v,
        })
        .sum()
});

#[inline(never)]
fn scale(x: f64, n: usize) -> Result<f64, usize> {
    if x > 0.6 {
        Ok(x * x)
    } else if x > 0.3 {
        Ok(if n == 2 { 2.0 } else { 1.0 })
    } else {
        Err(n)
    }
}

// One of several constants, or what is computed, moved as an integer.
gradient!(constant_or_code, [0.2, 0.5, 0.7], 2, |x, n| {
    x.iter()
        .map(|&v| match scale(v, n) {
            Ok(scale) => scale * v,
            Err(code) => code as f64 * v,
        })
        .sum()
});

// The least number so far and what belongs to it, in place of the last ones.
gradient!(best_so_far, [0.5, 0.4, 0.9, 0.7], 0, |x, _n| {
    let mut best: Option<(f64, f64)> = None;
    for &a in x {
        if best.is_none() || a < best.unwrap().0 {
            best = Some((a, a * a));
        }
    }
    let (a, b) = best.unwrap();
    a * b
});

// The index of the turn before.
gradient!(index_before, [0.5, 0.4, 0.9, 0.7], 4, |x, n| {
    let mut last: Option<usize> = None;
    let mut s = 0.0;
    for i in 0..n {
        if let Some(k) = last {
            s += x[k] * x[i];
        }
        last = Some(i);
    }
    s
});

// One of several vectors is kept, and grows: how much there was to copy, the last one made decided.
gradient!(kept_and_grown, [0.9, 1.4, 0.3, 0.2], 6, |x, n| {
    let mut s = 0.0;
    let mut kept: Vec<f64> = Vec::new();
    for i in 0..n {
        let rest: Vec<f64> = x
            .iter()
            .skip(i % 3)
            .map(|v| v * 0.2 * (i + 1) as f64)
            .collect();
        if rest.len().is_multiple_of(2) {
            s += rest[0] * rest[1];
        } else {
            kept = rest;
        }
    }
    kept.push(s);
    kept.iter().map(|v| v * v).sum()
});

// What nested loops leave: whether the inner one ran in the last turn was looked up at another turn's index.
gradient!(pairs_in_turn, [0.5, 1.2, 0.8], 1, |x, n| {
    let mut last: Option<f64> = None;
    for i in 0..x.len() {
        for b in x.iter().skip(i + n) {
            last = Some(last.map_or(*b, |p| p * b));
        }
    }
    last.unwrap_or(0.0)
});

// What is asked of a number only where there is one was asked where there is none.
gradient!(perhaps_high, [0.3, 0.9, 0.7], 6, |x, n| {
    let mut s = 0.0;
    for i in 0..n {
        let found = x.iter().find(|v| i % 2 == 0 && **v > 0.1 * i as f64);
        let k = match found {
            None => 1.0,
            Some(v) if *v > 0.5 => 2.0,
            Some(_) => 3.0,
        };
        s += k * x[i % 3] * x[i % 3];
    }
    s
});

// A loop within a loop that runs only where what counts it is there.
struct Weights {
    count: usize,
    scale: f64,
}

#[inline(never)]
fn scaled(x: &[f64], weights: Option<&Weights>, n: usize) -> f64 {
    let mut s = 1.0;
    for i in 0..n {
        s *= x[i % 3] + 0.5;
        if let Some(w) = weights {
            for j in 0..w.count {
                s *= s * w.scale + x[j];
            }
        }
        s += x[i % 2];
    }
    s
}

gradient!(counted_perhaps, [0.3, 0.9, 0.7], 4, |x, n| {
    let weights = Weights {
        count: n - 2,
        scale: 0.25,
    };
    scaled(x, None, n) + scaled(x, std::hint::black_box(Some(&weights)), 2)
});

// A packed triangle: where its rows start, a loop counts.
gradient!(packed_factor, [4.0, 0.5, 3.0, -0.7, 0.9, 2.5], 3, |x, n| {
    let at = |i: usize, j: usize| i * (i + 1) / 2 + j;
    let mut a = x.to_vec();
    for i in 0..n {
        for j in 0..=i {
            let mut s = a[at(i, j)];
            for k in 0..j {
                s -= a[at(i, k)] * a[at(j, k)];
            }
            a[at(i, j)] = if i == j { s.sqrt() } else { s / a[at(j, j)] };
        }
    }
    (0..n).map(|i| a[at(i, i)] * a[at(i, i)]).product()
});

// Which vector a loop reads, where it ended in the turn before decides: it was taken for where it is now.
gradient!(read_in_turn, [0.3, 1.2, 0.7], 5, |x, n| {
    let y: Vec<f64> = x.iter().map(|v| v * v).collect();
    let z: Vec<f64> = x.iter().map(|v| v * 0.5).collect();
    let mut from: &[f64] = x;
    let mut s = 1.0;
    for i in 0..n {
        let mut last = 0;
        for (j, v) in from[..i * 7 % 3 + 1].iter().enumerate() {
            s += v * s;
            last = j;
        }
        from = if last == 0 { &y } else { &z };
    }
    s
});

// One of three is chosen past the last condition, which was asked all the same on the way back.
gradient!(around_condition, [0.9, 0.7, 0.4], 2, |x, n| {
    let s = x[0];
    let mut chosen = None;
    if s > 0.3 {
        if s > 0.8 || s < x[n] {
            chosen = Some(s * 0.3);
        } else {
            chosen = Some(s.abs());
        }
    }
    s * 0.5 + chosen.unwrap_or(0.75)
});
