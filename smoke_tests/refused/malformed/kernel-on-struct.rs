//@ compile-flags: --crate-type=lib --emit=metadata -Zoffload=Test -Zunstable-options
// without the patch: refused
#![feature(abi_gpu_kernel, rustc_attrs, core_intrinsics)]
#![allow(internal_features)]
#[rustc_offload_kernel] //~ ERROR attribute cannot be used on structs
struct S;
