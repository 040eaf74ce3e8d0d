//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: accepted: the value is uninitialised
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
extern "C" {
    fn k(x: *mut f64);
    fn k2(a: f64, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    let r: f64 = core::intrinsics::offload(k, [1, 1, 1], [1, 1, 1], (x,)); //~ ERROR a kernel returns nothing
    unsafe { *x = r };
}
