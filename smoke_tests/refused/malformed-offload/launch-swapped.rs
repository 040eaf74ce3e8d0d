//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: accepted: the address arrives as a number
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
unsafe extern "C" {
    fn k(x: *mut f64);
    fn k2(a: f64, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) -> i32 {
    unsafe { core::intrinsics::offload(k2, [1, 1, 1], [1, 1, 1], 0, -1, (x, 1.0f64)) } //~ ERROR argument 1 of this kernel is of type `f64` but a `*mut f64` is passed
}
