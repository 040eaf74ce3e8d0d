// expect: the device image `/etc/passwd` cannot be embedded
// flags: --crate-type=bin -Copt-level=3 -Zoffload=Host=/etc/passwd -Zunstable-options
// 1.96: the file is embedded, and the linker leaves it out without a word
fn main() {}
