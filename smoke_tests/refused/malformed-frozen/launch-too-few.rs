//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: panic (internal compiler error)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
extern "C" {
    fn k(x: *mut f64);
    fn k2(a: f64, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(k2, [1, 1, 1], [1, 1, 1], (1.0f64,)); //~ ERROR this kernel takes 2 arguments but 1 are passed
}
