//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Host=/nonexistent/host.out -Zunstable-options
// without the patch: accepted (with -Zoffload=Test)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
struct W(*mut f64);
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(W, [1, 1, 1], [1, 1, 1], (x,)); //~ ERROR `W` is not a kernel
}
