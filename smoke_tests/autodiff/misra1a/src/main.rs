//! Fits Misra1a from both of NIST's starting points, and compares with the certified parameters.
//!
//! Usage: misra1a [--json] [data.csv]
//!
//! `--json` prints one object for each start instead of tables, for `oracle.py`. The exit code is 0 when every
//! parameter agrees in six digits, and 1 otherwise.

use std::path::PathBuf;

use anyhow::ensure;
use misra1a::{Fit, digits, fit, read};

/// NIST Statistical Reference Datasets, nonlinear regression, Misra1a.
const CERTIFIED: [f64; 2] = [2.389_421_291_8e2, 5.501_564_318_1e-4];
const STARTS: [[f64; 2]; 2] = [[500.0, 1e-4], [250.0, 5e-4]];
const WANTED: f64 = 6.0;

fn main() -> anyhow::Result<()> {
    let mut json = false;
    let mut path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data/misra1a.csv"));
    for arg in std::env::args_os().skip(1) {
        if arg == "--json" {
            json = true;
        } else {
            path = arg.into();
        }
    }
    let data = read(&path)?;
    if !json {
        println!("{} observations, y = b1 (1 - exp(-b2 x))", data.len());
    }
    let mut worst = f64::INFINITY;
    for (number, start) in STARTS.into_iter().enumerate() {
        let found = fit(&data, start)?;
        if json {
            print_json(number + 1, &found);
        } else {
            print_table(start, &found);
        }
        for (value, certified) in found.parameters.into_iter().zip(CERTIFIED) {
            worst = worst.min(digits(value, certified));
        }
    }
    if json {
        println!(r#"{{"done": {}}}"#, STARTS.len());
    }
    ensure!(
        worst >= WANTED,
        "only {worst:.1} digits agree with the certified parameters, and {WANTED} are wanted"
    );
    Ok(())
}

fn print_table(start: [f64; 2], found: &Fit) {
    println!();
    println!(
        "start ({}, {}): {} evaluations, residual sum of squares {:.10e}",
        start[0], start[1], found.evaluations, found.residual
    );
    println!("      fitted               certified           rel. difference  digits");
    for (i, (value, certified)) in found.parameters.into_iter().zip(CERTIFIED).enumerate() {
        let difference = ((value - certified) / certified).abs();
        println!(
            "  b{}  {value:<19.13e}  {certified:<18.10e}  {difference:<15.1e}  {:.1}",
            i + 1,
            digits(value, certified)
        );
    }
}

fn print_json(number: usize, found: &Fit) {
    let [b1, b2] = found.parameters;
    println!(
        r#"{{"case": "start {number}", "values": [{b1:.16e}, {b2:.16e}, {:.16e}]}}"#,
        found.residual
    );
}
