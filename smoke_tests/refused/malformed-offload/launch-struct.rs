//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: panic (internal compiler error)
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
#[repr(C)]
pub struct P {
    a: f64,
    b: u8,
}
unsafe extern "C" {
    fn ks(p: P, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) -> i32 {
    unsafe { core::intrinsics::offload(ks, [1, 1, 1], [1, 1, 1], 0, -1, (P { a: 1.0, b: 2 }, x)) } //~ ERROR cannot be passed to a device
}
