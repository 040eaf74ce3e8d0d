// expect: the device image `/etc/passwd` cannot be embedded
// flags: --crate-type=bin -Copt-level=3 -Zoffload=Host=/etc/passwd -Zunstable-options
// without the patch: no error; the linker leaves the file out
fn main() {}
