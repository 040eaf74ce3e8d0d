//@ compile-flags: --crate-type=lib --emit=metadata -Zoffload=Test -Zunstable-options
// without the patch: not checked (on the host, upstream knows no gpu-kernel ABI)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
#[rustc_offload_kernel]
pub unsafe extern "gpu-kernel" fn k(x: *mut f64) {} //~ ERROR a kernel needs a name that is the same on all targets
