//! The executable between a fake rustc and a fake cargo: this test program stands in for both.

mod ending;
mod errors;
mod handed;
mod passing;
mod place;
mod stand_in;

const AUTODIFF: &str = env!("CARGO_BIN_EXE_cargo-autodiff");

fn main() {
    stand_in::answer();
    let tests = [errors::TESTS, handed::TESTS, passing::TESTS, ending::TESTS];
    fakes::run_tests(&tests.concat());
}
