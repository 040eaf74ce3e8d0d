//@ compile-flags: --crate-type=lib --emit=metadata -Zoffload=Test -Zunstable-options
// without the patch: refused for a GPU only
#![feature(abi_gpu_kernel, core_intrinsics, rustc_attrs)]
#![allow(internal_features)]
unsafe extern "gpu-kernel" fn k() {}
pub fn go() {
    unsafe { k() } //~ ERROR functions with the "gpu-kernel" ABI cannot be called
}
