//! What is printed: one JSON object a line, and central differences as the second estimate.

/// One derivative: of `case` at the point `at`, computed in `mode` with `width` directions at once.
pub struct Record<'a> {
    pub case: &'a str,
    pub mode: &'a str,
    pub width: u32,
    pub float: Float,
    pub at: &'a [f64],
    /// The outputs, as the differentiated function returned them.
    pub primal: Vec<f64>,
    /// Outputs × inputs, row by row.
    pub derivative: Vec<f64>,
}

/// The precision in which a function computes.
#[derive(Clone, Copy)]
pub enum Float {
    F32,
    F64,
}

impl Float {
    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Powers of two on both sides of the best step, which is near the cube root of the rounding error.
    fn steps(self) -> impl Iterator<Item = f64> {
        let exponents = match self {
            Self::F32 => 2..=13,
            Self::F64 => 4..=26,
        };
        exponents.step_by(2).map(|exponent| 2_f64.powi(-exponent))
    }
}

/// Prints records, and counts them.
#[derive(Default)]
pub struct Printer {
    printed: usize,
}

impl Printer {
    /// Prints a record with central differences of `primal`, which is not differentiated by the compiler.
    pub fn print(&mut self, record: &Record, primal: impl Fn(&[f64]) -> Vec<f64>) {
        let central: Vec<String> = record
            .float
            .steps()
            .map(|step| {
                let estimate = central_differences(&primal, record.at, step);
                format!("[{step:.16e}, {}]", list(&estimate))
            })
            .collect();
        println!(
            r#"{{"case": "{}", "mode": "{}", "width": {}, "float": "{}", "at": {}, "primal": {}, "derivative": {}, "central": [{}]}}"#,
            record.case,
            record.mode,
            record.width,
            record.float.name(),
            list(record.at),
            list(&record.primal),
            list(&record.derivative),
            central.join(", ")
        );
        self.printed += 1;
    }

    /// Prints the last line, with which a reader knows that nothing is missing.
    pub fn finish(self) {
        println!(r#"{{"done": {}}}"#, self.printed);
    }
}

/// Numbers with 17 significant digits, which name every f64 exactly.
fn list(values: &[f64]) -> String {
    let digits: Vec<String> = values.iter().map(|value| format!("{value:.16e}")).collect();
    format!("[{}]", digits.join(", "))
}

/// (f(x + h) - f(x - h)) / 2h for each input; outputs × inputs, row by row.
fn central_differences(f: impl Fn(&[f64]) -> Vec<f64>, at: &[f64], step: f64) -> Vec<f64> {
    let columns: Vec<Vec<f64>> = (0..at.len())
        .map(|input| {
            let moved = |by: f64| {
                let mut point = at.to_vec();
                point[input] += by;
                f(&point)
            };
            let (above, below) = (moved(step), moved(-step));
            above
                .iter()
                .zip(below)
                .map(|(a, b)| (a - b) / (2.0 * step))
                .collect()
        })
        .collect();
    transpose(&columns)
}

/// From columns (one for each input) to rows (one for each output), flat.
pub fn transpose(columns: &[Vec<f64>]) -> Vec<f64> {
    (0..columns[0].len())
        .flat_map(|output| columns.iter().map(move |column| column[output]))
        .collect()
}
