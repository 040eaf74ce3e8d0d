//! Kernels with arguments of which a copy on a device would be wrong, at any depth.

//@ revisions: reference nested-reference raw-pointer cell atomic function array option slices text wide by-value aligned

#![cfg_attr(any(target_arch = "nvptx64", target_arch = "amdgpu"), no_std)]
#![feature(macro_attr)]

use holoenzyme::offload_kernel;

use core::cell::Cell;
use core::sync::atomic::AtomicU32;

/// Holds a reference, two levels down.
#[derive(Clone, Copy)]
pub struct Outer<'a> {
    /// The first level.
    pub pair: [(u32, Inner<'a>); 2],
}

/// The second level.
#[derive(Clone, Copy)]
pub struct Inner<'a> {
    /// The reference.
    pub number: &'a f64,
}

/// One of many in an array, by value.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Triple(pub f64, pub f64, pub f64);

/// One that a vector register loads whole.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub struct Lanes(pub [f32; 8]);

macro_rules! kernel {
    ($feature:literal, $name:ident($($argument:ident: $type:ty),*)) => {
        /// Does nothing: its launch is what must be refused.
        ///
        /// # Safety
        ///
        /// It is launched, not called.
        #[cfg(feature = $feature)]
        #[offload_kernel]
        #[unsafe(no_mangle)]
        pub unsafe fn $name($($argument: $type),*) {
            $(let _ = $argument;)*
        }
    };
}

kernel!("reference", references(x: &[&f64])); //[reference]~ ERROR is a `&f64`
kernel!("nested-reference", nested_references(x: &[Outer<'_>])); //[nested-reference]~ ERROR .pair[_].1.number` is a `&f64`
kernel!("raw-pointer", raw_pointers(x: &[*const f64])); //[raw-pointer]~ ERROR is a `*const f64`
kernel!("cell", cells(x: &[Cell<f64>])); //[cell]~ ERROR what changes behind a shared reference is not copied back
kernel!("atomic", atomics(x: &[AtomicU32])); //[atomic]~ ERROR what changes behind a shared reference is not copied back
kernel!("function", functions(x: &[fn(f64) -> f64])); //[function]~ ERROR is a `fn(f64) -> f64`
kernel!("array", arrays(x: &[[Option<&'static f64>; 2]])); //[array]~ ERROR is a `&f64`
kernel!("option", options(x: &Option<Cell<u8>>)); //[option]~ ERROR what changes behind a shared reference is not copied back
kernel!("slices", slices(x: &[&[f64]])); //[slices]~ ERROR is a `&[f64]`
kernel!("text", text(x: &str)); //[text]~ ERROR of type `&str`, cannot be passed to a device
kernel!("wide", wide(x: u128)); //[wide]~ ERROR of type `u128`, cannot be passed to a device
kernel!("by-value", by_value(x: Triple)); //[by-value]~ ERROR of type `Triple`, cannot be passed to a device
kernel!("aligned", aligned(x: &[Lanes])); //[aligned]~ ERROR is aligned to 32 bytes
kernel!("count", count(x: f64, y: f64));
kernel!("kind", kind(x: f64));
