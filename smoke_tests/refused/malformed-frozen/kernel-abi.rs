//@ compile-flags: --crate-type=lib --emit=metadata -Zoffload=Test -Zunstable-options
// without the patch: accepted: there is nothing to launch on a device
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn k(x: *mut f64) {} //~ ERROR a kernel must be an `extern "gpu-kernel"` function
