//! Has the linker send every allocation through `src/heap.rs`, those of Enzyme too; and links what is in C.

use std::env;

fn main() {
    for function in ["malloc", "calloc", "realloc", "posix_memalign", "free"] {
        println!("cargo:rustc-link-arg-bins=-Wl,--wrap={function}");
    }
    println!("cargo:rerun-if-env-changed=GRADIENTS_C");
    if env::var_os("CARGO_FEATURE_C").is_some() {
        let folder = env::var("GRADIENTS_C")
            .expect("the feature `c` needs GRADIENTS_C, the folder that c/build.sh filled");
        println!("cargo:rerun-if-changed={folder}/libgradients_c.a");
        println!("cargo:rustc-link-search=native={folder}");
    }
}
