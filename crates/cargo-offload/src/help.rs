//! The text of `cargo offload --help`.

/// The text.
pub const HELP: &str = "\
Compiles the kernels of a crate for devices, and runs cargo for the program that launches them

Usage: cargo offload COMMAND [--device DEVICES] [options] [arguments of that cargo command]

Commands that compile, with the release profile unless another is named:
  build, b     run, r     test, t
Commands that cargo gets unchanged:
  add  clean  fetch  generate-lockfile  metadata  remove  tree  update  vendor

Options:
      --device DEVICES   What kernels are compiled for, separated by commas: host (the virtual host device, which is
                         there on any machine), sm_90, gfx90a, ...; host where none is named
      --kernels PACKAGE  The member of the workspace whose library holds the kernels; else the package of -p, or that
                         of the current folder
      --autodiff         Kernels and program differentiate functions with #[autodiff_forward] or #[autodiff_reverse]
      --dev              The dev profile (cargo's own default) for the program; kernels are always optimised
      --profile NAME     Any other profile, for both
      --target TRIPLE    As cargo has it: what the program, and with it the virtual host device, is compiled for
  -C DIR                 Work in another folder; also before the command
  -v, --verbose          Also print the commands that are run, as lines to run them again by hand
  -h, --help             This text
  -V, --version          The version

For each device, the library with the kernels is compiled into an image (`-Zoffload=Device`, in target/offload); then
cargo compiles the program, and its members get the images (`-Zoffload=Host=...`) and are linked with `offload-linker`.
Dependencies, build scripts and procedural macros compile as they always do.

Where neither CARGO_HOME is set nor the home folder can be written, downloaded packages go to .cargo-home in the
root of the workspace.
";
