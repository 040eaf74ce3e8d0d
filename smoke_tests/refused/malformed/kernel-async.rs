//@ compile-flags: --crate-type=lib --emit=metadata -Zoffload=Test -Zunstable-options
// without the patch: refused for a GPU only (on the host, upstream knows no gpu-kernel ABI)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
#[rustc_offload_kernel]
#[unsafe(no_mangle)]
pub async unsafe extern "gpu-kernel" fn k(x: *mut f64) {} //~ ERROR functions with the "gpu-kernel" ABI cannot be `async`
