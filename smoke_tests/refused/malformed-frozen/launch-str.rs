//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Test -Zunstable-options
// without the patch: panic (internal compiler error)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
#[allow(improper_ctypes)]
extern "C" {
    fn ks(p: &str, x: *mut f64);
}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(ks, [1, 1, 1], [1, 1, 1], ("a", x)); //~ ERROR cannot be passed to a device
}
