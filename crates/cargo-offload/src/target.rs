//! What kernels are compiled for. Pure.

use std::fmt;
use std::str::FromStr;

use cargo_common::facts::Facts;
use cargo_common::failure::Failure;

/// A device target, as it is written after `--target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// libomptarget's virtual host device: the kernels run on the processor, one thread after another.
    Host,
    /// An NVIDIA GPU, by its architecture (`sm_90`).
    Cuda(String),
    /// An AMD GPU, by its architecture (`gfx90a`).
    Amd(String),
}

impl Target {
    /// The triple that rustc compiles for; for the host that of the compiler itself.
    pub fn triple<'a>(&self, host: &'a str, facts: &'a Facts) -> &'a str {
        match self {
            Self::Host => host,
            Self::Cuda(_) => &facts.cuda,
            Self::Amd(_) => &facts.rocm,
        }
    }

    /// The processor to compile for; none where the triple's own is meant.
    pub fn cpu(&self) -> Option<&str> {
        match self {
            Self::Host => None,
            Self::Cuda(cpu) | Self::Amd(cpu) => Some(cpu),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.cpu().unwrap_or("host"))
    }
}

impl FromStr for Target {
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
                format!("unknown target `{word}`"),
                "a target is `host` (the virtual host device), `sm_NN` (NVIDIA) or `gfxNNN` (AMD)",
                "write for example `--target host`, `--target sm_90` or `--target host,sm_90,gfx90a`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_processors() {
        for (word, cpu) in [
            ("host", None),
            ("sm_90", Some("sm_90")),
            ("sm_90a", Some("sm_90a")),
            ("gfx90a", Some("gfx90a")),
            ("gfx1100", Some("gfx1100")),
        ] {
            let target: Target = word.parse().unwrap();
            assert_eq!(target.cpu(), cpu);
            assert_eq!(target.to_string(), word);
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
            let failure = word.parse::<Target>().unwrap_err();
            assert_eq!(failure.what, format!("unknown target `{word}`"));
        }
    }
}
