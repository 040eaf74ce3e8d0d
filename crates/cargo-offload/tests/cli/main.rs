//! The executables, with this test program standing in for cargo, rustc and the linkers: it prints how it was called.

mod call;
mod images;
mod linker;
mod needs;
mod place;
mod stand_in;
mod wrapper;

const OFFLOAD: &str = env!("CARGO_BIN_EXE_cargo-offload");
const LINKER: &str = env!("CARGO_BIN_EXE_offload-linker");
const SHOWN: &[&str] = &[
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "CARGO_OFFLOAD_IMAGES",
    "CARGO_OFFLOAD_OBJECT",
    "CARGO_OFFLOAD_AUTODIFF",
    "CARGO_OFFLOAD_NEXT",
    "CARGO_OFFLOAD_RUSTDOC",
    "CARGO_PROFILE_RELEASE_LTO",
    "CARGO_INCREMENTAL",
    "CARGO_HOME",
    "OFFLOAD_LINKER_CC",
    "OFFLOAD_DEVICES",
    "OFFLOAD_TOOLCHAIN",
];

fn main() {
    let tests = [
        call::TESTS,
        images::TESTS,
        needs::TESTS,
        wrapper::TESTS,
        linker::TESTS,
    ];
    fakes::run(SHOWN, stand_in::answer, &tests.concat());
}
