//! What kernels are compiled for. Pure.

use std::fmt;
use std::str::FromStr;

use cargo_common::facts::Facts;
use cargo_common::failure::Failure;

/// A device, as it is written after `--device`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// libomptarget's virtual host device: the kernels run on the processor, one thread after another.
    Host,
    /// An NVIDIA GPU, by its architecture (`sm_90`).
    Cuda(String),
    /// An AMD GPU, by its architecture (`gfx90a`).
    Amd(String),
}

impl Device {
    /// The triple that rustc compiles for; for the host that of the compiler itself.
    pub fn triple<'a>(&self, host: &'a str, facts: &'a Facts) -> &'a str {
        match self {
            Self::Host => host,
            Self::Cuda(_) => &facts.cuda,
            Self::Amd(_) => &facts.rocm,
        }
    }

    /// Whether a `--target` names devices, as it did before `--device` was there: all words of it look like one's name, and
    /// there is no target of Rust's that does.
    pub fn are_named(list: &str) -> bool {
        let mut words = list.split(',').map(str::trim);
        words.clone().any(|word| word.parse::<Self>().is_ok())
            && words.all(|word| !word.contains('-'))
    }

    /// The processor to compile for; none where the triple's own is meant.
    pub fn cpu(&self) -> Option<&str> {
        match self {
            Self::Host => None,
            Self::Cuda(cpu) | Self::Amd(cpu) => Some(cpu),
        }
    }

    /// The flag of rustc for the processor.
    pub fn flag(&self) -> Option<String> {
        self.cpu().map(|cpu| format!("-Ctarget-cpu={cpu}"))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.cpu().unwrap_or("host"))
    }
}

impl FromStr for Device {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        let is_architecture = |number: &str| {
            number.starts_with(|c: char| c.is_ascii_digit())
                && number
                    .chars()
                    .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
        };
        match word.split_at_checked(3) {
            _ if word == "host" => Ok(Self::Host),
            Some(("sm_", number)) if is_architecture(number) => Ok(Self::Cuda(word.to_string())),
            Some(("gfx", number)) if is_architecture(number) => Ok(Self::Amd(word.to_string())),
            _ => Err(Failure::new(
                format!("unknown device `{word}`"),
                "a device is `host` (the virtual host device), `sm_NN` (NVIDIA) or `gfxNNN` (AMD)",
                "write for example `--device host`, `--device sm_90` or `--device host,sm_90,gfx90a`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_processors() {
        for (word, cpu) in [
            ("host", None),
            ("sm_90", Some("sm_90")),
            ("sm_90a", Some("sm_90a")),
            ("gfx90a", Some("gfx90a")),
            ("gfx1100", Some("gfx1100")),
        ] {
            let device: Device = word.parse().unwrap();
            assert_eq!(device.cpu(), cpu);
            assert_eq!(device.to_string(), word);
        }
    }

    #[test]
    fn targets_of_rust_are_no_devices() {
        for (list, are) in [
            ("host", true),
            ("sm_90,host", true),
            ("host,", true),
            ("sm_90,mi300", true),
            ("x86_64-unknown-linux-gnu", false),
            ("nvptx64-nvidia-cuda", false),
            ("host-tuple", false),
            ("my/target.json", false),
        ] {
            assert_eq!(Device::are_named(list), are, "{list}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for word in [
            "",
            "Host",
            "sm90",
            "sm_",
            "gfx",
            "gfx90A",
            "nvptx64-nvidia-cuda",
            "sm_9é",
            "é",
        ] {
            let failure = word.parse::<Device>().unwrap_err();
            assert_eq!(failure.what, format!("unknown device `{word}`"));
        }
    }
}
