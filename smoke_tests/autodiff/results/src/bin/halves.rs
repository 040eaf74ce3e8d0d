//! Two numbers of 32 bits by value: the compiler hands over an array, and the function takes a word of 64 bits.

//@ never: Cannot cast
//@ never: x float]
//~? ERROR hand over an argument or the result of this derivative in different ways

#![feature(autodiff)]
use std::autodiff::autodiff_forward;

#[autodiff_forward(along, Dual, Dual)]
fn product(x: [f32; 2]) -> f32 {
    x[0] * x[1]
}

fn main() {
    println!("{:?}", along([2.0, 3.0], [1.0, 0.0]));
}
