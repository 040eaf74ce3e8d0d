//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Host= -Zunstable-options
// without the patch: accepted: it has no device code
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
fn plain(x: *mut f64) {}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) -> i32 {
    unsafe { core::intrinsics::offload(plain, [1, 1, 1], [1, 1, 1], 0, -1, (x,)) } //~ ERROR is no kernel
}
