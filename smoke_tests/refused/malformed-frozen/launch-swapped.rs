//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Host=/nonexistent/host.out -Zunstable-options
// without the patch: accepted (with -Zoffload=Test)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
extern "C" {
    fn k(x: *mut f64);
    fn k2(a: f64, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(k2, [1, 1, 1], [1, 1, 1], (x, 1.0f64)); //~ ERROR argument 1 of this kernel is of type `f64` but a `*mut f64` is passed
}
