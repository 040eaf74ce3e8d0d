//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Host= -Zunstable-options
// without the patch: panic (internal compiler error)
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
unsafe extern "C" {
    fn k(x: *mut f64);
    fn k2(a: f64, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) -> i32 {
    unsafe { core::intrinsics::offload(k as unsafe extern "C" fn(*mut f64), [1, 1, 1], [1, 1, 1], 0, -1, (x,)) } //~ ERROR is no kernel
}
