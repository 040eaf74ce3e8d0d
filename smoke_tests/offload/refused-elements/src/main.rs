//! One launch for each feature.

//@ revisions: count kind

#![allow(unused_imports, reason = "each feature uses some")]

use holoenzyme::offload;
use refused_elements::{Inner, Lanes, Outer, Triple};
use std::cell::Cell;
use std::sync::atomic::AtomicU32;

/// Launches a kernel with arguments where its feature is on.
macro_rules! launch {
    ($feature:literal, $kernel:ident, ($($argument:expr),* $(,)?)) => {
        #[cfg(feature = $feature)]
        // SAFETY: it is refused.
        unsafe {
            offload! { kernel = refused_elements::$kernel, args = ($($argument),*) }
            //[count]~^ ERROR this kernel takes
            //[kind]~^^ ERROR is of type `f64` but a `f32` is passed
        }
        .unwrap();
    };
}

fn main() {
    let number = 1.0_f64;
    let _ = number;
    launch!("reference", references, (&[&number][..],));
    launch!(
        "nested-reference",
        nested_references,
        (&[Outer {
            pair: [(1, Inner { number: &number }); 2]
        }][..],)
    );
    launch!("raw-pointer", raw_pointers, (&[&raw const number][..],));
    launch!("cell", cells, (&[Cell::new(1.0)][..],));
    launch!("atomic", atomics, (&[AtomicU32::new(1)][..],));
    launch!("function", functions, (&[f64::sin as fn(f64) -> f64][..],));
    launch!("array", arrays, (&[[None::<&'static f64>; 2]][..],));
    launch!("option", options, (&Some(Cell::new(1_u8)),));
    launch!("slices", slices, (&[&[1.0][..]][..],));
    launch!("text", text, ("text",));
    launch!("wide", wide, (1_u128,));
    launch!("by-value", by_value, (Triple(1.0, 2.0, 3.0),));
    launch!("aligned", aligned, (&[Lanes([1.0; 8])][..],));
    launch!("count", count, (1.0,));
    launch!("kind", kind, (1.0_f32,));
}
