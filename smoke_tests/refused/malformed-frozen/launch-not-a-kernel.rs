//@ compile-flags: --crate-type=staticlib -Copt-level=3 -Clto=fat -Cpanic=abort -Zoffload=Host=/nonexistent/host.out -Zunstable-options
// without the patch: accepted (with -Zoffload=Test)
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
fn plain(x: *mut f64) {}
#[unsafe(no_mangle)]
pub fn go(x: *mut f64) {
    core::intrinsics::offload::<_, _, ()>(plain, [1, 1, 1], [1, 1, 1], (x,)); //~ ERROR `plain` is not a kernel
}
