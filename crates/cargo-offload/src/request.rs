//! What cargo is to be asked for, as the user's words say it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::device::Device;

/// One call of a cargo command that compiles.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What kernels are compiled for, in the order of the images.
    pub devices: Vec<Device>,
    /// What was written as `--target`, where that named devices, as it did before `--device` was there.
    pub old_spelling: Option<String>,
    /// `--target`: what the program is compiled for.
    pub triple: Option<String>,
    /// `--kernels`, or the package of `-p`.
    pub kernels: Option<String>,
    /// Whether functions are differentiated.
    pub autodiff: bool,
    /// Whether commands are shown.
    pub verbose: bool,
    /// The arguments for the cargo that compiles the program, the command first.
    pub host_args: Vec<OsString>,
    /// Those of its options that hold for the kernels too, but for the profile.
    pub shared_args: Vec<OsString>,
    /// Those that hold for whatever cargo compiles: what it shows, and how many processes it starts.
    pub manner_args: Vec<OsString>,
    /// The profile of the program.
    pub host_profile: String,
    /// The profile of the kernels.
    pub device_profile: String,
    /// `--manifest-path`, which says where the workspace is.
    pub manifest_path: Option<PathBuf>,
    /// `--config`, with its values.
    pub config: Vec<OsString>,
    /// `-C`: the folder to work in.
    pub directory: Option<PathBuf>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
    /// Whether cargo is asked to compile the standard library itself (`-Zbuild-std`).
    pub builds_std: bool,
}

/// One call of a cargo command that cargo gets as it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Plain {
    /// The arguments for cargo, the command first.
    pub args: Vec<OsString>,
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
    /// `-C`: the folder to work in.
    pub directory: Option<PathBuf>,
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// The help text.
    Help,
    /// The version.
    Version,
    /// A command that cargo gets as it is.
    Plain(Plain),
    /// A command that compiles.
    Compile(Box<Invocation>),
}
