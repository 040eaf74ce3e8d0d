//! The devices that kernels can be launched on, as the offload runtime numbers them.
//!
//! A device is told by its [kind](Kind) and its uid, never by its number alone: the numbers follow from the order in
//! which images were linked, and where the machine has no GPU, number 0 is the *virtual host device*.
//!
//! ```no_run
//! use holoenzyme::device::{self, Kind};
//!
//! for device in device::all() {
//!     println!("device {}: {} ({:?})", device.number, device.uid, device.kind);
//! }
//! let gpu = device::first(Kind::Cuda).expect("no NVIDIA GPU that this program has an image for");
//! ```
//!
//! Programs that use this module are linked by `cargo offload`, which brings the runtime.

use core::ffi::CStr;

mod runtime;

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The virtual host device: the host's own processor.
    Host,
    /// An NVIDIA GPU.
    Cuda,
    /// An AMD GPU.
    Amd,
    /// Anything else, known by its uid only.
    Other,
}

/// A device that the runtime offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its number, for [`offload!`](crate::offload).
    pub number: i32,
    /// The runtime's name for this very device, such as `CUDA-15119eb8...` or `x86_64-0`; empty where it has none.
    pub uid: &'static str,
    /// What it is, by its uid.
    pub kind: Kind,
}

/// All devices, by number; none where the runtime finds none, or offloading is disabled
/// (`OMP_TARGET_OFFLOAD=DISABLED`).
#[must_use]
pub fn all() -> impl ExactSizeIterator<Item = Device> {
    (0..count()).map(|number| describe(number, uid(number)))
}

/// How many devices there are.
#[must_use]
pub fn count() -> i32 {
    runtime::num_devices().max(0)
}

/// The device with this number, if there is one.
#[must_use]
pub fn get(number: i32) -> Option<Device> {
    (0..count())
        .contains(&number)
        .then(|| describe(number, uid(number)))
}

/// The device that a launch without a number goes to, if there is one. The environment variable `OMP_DEFAULT_DEVICE`
/// chooses another one.
#[must_use]
pub fn default() -> Option<Device> {
    get(default_number())
}

pub(crate) fn default_number() -> i32 {
    runtime::default_device()
}

/// The first device of a kind, if there is one.
#[must_use]
pub fn first(kind: Kind) -> Option<Device> {
    all().find(|device| device.kind == kind)
}

fn describe(number: i32, uid: &'static str) -> Device {
    Device {
        number,
        uid,
        kind: kind_of(uid),
    }
}

fn uid(number: i32) -> &'static str {
    let text = runtime::uid_from_device(number);
    if text.is_null() {
        return "";
    }
    // SAFETY: it is a string that the runtime keeps for as long as the program runs.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")
}

/// A uid begins with the name of the plugin that offers the device; the host's plugin is named after its processor.
fn kind_of(uid: &str) -> Kind {
    match uid.split('-').next() {
        Some("CUDA") => Kind::Cuda,
        Some("AMDGPU") => Kind::Amd,
        Some("x86_64" | "aarch64" | "ppc64" | "ppc64le" | "s390x" | "riscv64") => Kind::Host,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_from_the_uid() {
        for (uid, kind) in [
            ("x86_64-0", Kind::Host),
            ("aarch64-3", Kind::Host),
            ("CUDA-15119eb8e224d047f54a6b5b02982339", Kind::Cuda),
            ("AMDGPU-GPU-0123456789abcdef", Kind::Amd),
            ("level_zero-0", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind_of(uid), kind, "{uid}");
        }
    }
}
