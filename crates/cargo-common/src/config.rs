//! The user's cargo configuration, as far as it names compilers, and the places in it that we take.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// The `[build]` table of the configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// As cargo prints it: one key a line, each with the file that it stands in.
    text: String,
}

/// How cargo names the command line as the origin of a value.
const LINE: &str = "--config cli option";

impl Config {
    /// Asks cargo; `given` is what the user's command line says (`--config`). It is empty where cargo does not answer.
    pub fn read(cargo: &OsStr, given: &[OsString]) -> Self {
        let mut command = Command::new(cargo);
        command
            .args(["-Zunstable-options", "config", "get", "build"])
            .arg("--show-origin")
            .args(given)
            // An unstable command of a cargo whose channel may be stable. It starts nothing.
            .env("RUSTC_BOOTSTRAP", "1");
        tools::give_home(&mut command);
        let output = command.output();
        let text = output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        Self { text }
    }

    /// The value of a key as text: that of the command line, of the environment, or of a file.
    pub fn text(&self, key: &str) -> Option<String> {
        self.value(key).map(|(value, _)| value)
    }

    /// The program that a key names: as cargo does it, a path is from the folder that its `.cargo` stands in.
    pub fn program(&self, key: &str) -> Option<PathBuf> {
        let (value, origin) = self.value(key)?;
        let value = PathBuf::from(value);
        if value.components().count() < 2 {
            return Some(value);
        }
        let root = Path::new(&origin).ancestors().nth(2);
        let root = root.filter(|root| root.is_absolute());
        let path = root.map_or_else(|| value.clone(), |root| root.join(&value));
        Some(std::path::absolute(&path).unwrap_or(path))
    }

    fn value(&self, key: &str) -> Option<(String, String)> {
        let told = self.told(key);
        if told.as_ref().is_some_and(|(_, origin)| origin == LINE) {
            return told;
        }
        let variable = format!("CARGO_BUILD_{}", key.to_uppercase().replace('-', "_"));
        match env::var(variable) {
            Ok(value) if !value.is_empty() => Some((value, String::new())),
            _ => told,
        }
    }

    /// The value, and where it stands: `build.key = "value" # origin`.
    fn told(&self, key: &str) -> Option<(String, String)> {
        self.text.lines().find_map(|line| {
            let value = line
                .strip_prefix("build.")?
                .strip_prefix(key)?
                .strip_prefix(" = ")?;
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = value[1..].split_once(quote)?;
            let origin = after.trim_start().strip_prefix("# ").unwrap_or_default();
            Some((value.to_string(), origin.to_string()))
        })
    }

    /// The rustc that cargo starts.
    pub fn rustc(&self) -> OsString {
        env::var_os("RUSTC")
            .filter(|rustc| !rustc.is_empty())
            .or_else(|| self.program("rustc").map(PathBuf::into_os_string))
            .unwrap_or_else(|| "rustc".into())
    }
}

/// A place in which cargo starts what stands there in front of a compiler, or instead of one. We take it, and start in
/// turn what the user has there.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    variable: &'static str,
    key: &'static str,
}

impl Place {
    /// In front of the rustc that compiles members of the workspace.
    pub const RUSTC_WORKSPACE_WRAPPER: Self = Self {
        variable: "RUSTC_WORKSPACE_WRAPPER",
        key: "rustc-workspace-wrapper",
    };
    /// In front of every rustc.
    pub const RUSTC_WRAPPER: Self = Self {
        variable: "RUSTC_WRAPPER",
        key: "rustc-wrapper",
    };
    /// Instead of rustdoc.
    pub const RUSTDOC: Self = Self {
        variable: "RUSTDOC",
        key: "rustdoc",
    };

    /// Puts `front`, a path of ourselves (`myself`), there; `next` is the variable that names the user's own to us.
    pub fn take(
        self,
        command: &mut Command,
        config: &Config,
        next: &str,
        front: &Path,
        myself: &Path,
    ) {
        match self.users(config) {
            // Inside of a program that our `run` started, the place is ours already, and `next` is right.
            Some(value) if is_same(&value, myself) => {}
            Some(value) => {
                command.env(next, value);
            }
            None => {
                command.env_remove(next);
            }
        }
        command.env(self.variable, front);
    }

    /// What the user has in this place, as a path that holds from any folder.
    fn users(self, config: &Config) -> Option<PathBuf> {
        let found = env::var_os(self.variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        let Some(value) = found else {
            return config.program(self.key);
        };
        let is_path = value.components().count() > 1;
        Some(match std::path::absolute(&value) {
            Ok(path) if is_path => path,
            _ => value,
        })
    }
}

fn is_same(path: &Path, myself: &Path) -> bool {
    match (fs::canonicalize(path), fs::canonicalize(myself)) {
        (Ok(path), Ok(myself)) => path == myself,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config {
            text: text.to_string(),
        }
    }

    #[test]
    fn configuration_is_read_by_key() {
        let config = config(
            "build.rustc = \"my/rustc\" # --config cli option\n\
             build.rustc-wrapper = \"tools/w\" # /p/.cargo/config.toml\n\
             build.rustdoc = 'rustdoc' # /u/.cargo/config.toml\n\
             build.rustflags = [\n    \"-Ca\", # /p/.cargo/config.toml\n]\n\
             # The following environment variables may affect the loaded values.\n",
        );
        let here = env::current_dir().unwrap();
        assert_eq!(config.program("rustc"), Some(here.join("my/rustc")));
        assert_eq!(config.program("rustc-wrapper"), Some("/p/tools/w".into()));
        assert_eq!(config.program("rustdoc"), Some("rustdoc".into()));
        assert_eq!(config.text("rustc-wrapper").as_deref(), Some("tools/w"));
        for missing in ["rustc-workspace-wrapper", "rustflags", "target"] {
            assert_eq!(config.text(missing), None, "{missing}");
        }
        assert_eq!(Config::default().program("rustdoc"), None);
    }
}
