//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: panic (internal compiler error)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
fn h<F: Fn(*mut f64)>(f: F, x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(f, [1, 1, 1], [1, 1, 1], (x,)); //~ ERROR expected a kernel, found
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    h(|y| {}, x)
}
