//@ compile-flags: --crate-type=lib --emit=obj -o /tmp/kernels.o
// without the patch: accepted, where nothing launches it
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
#[rustc_offload_kernel]
pub unsafe extern "gpu-kernel" fn k(a: f64, x: &[&f64]) {} //~ ERROR argument 2 of this kernel, of type `&[&f64]`, cannot be passed to a device
