//! What the workspace's `Cargo.toml` says about LTO. Pure.

/// The value of `lto` that `Cargo.toml` gives `profile`, as written there, if it gives one.
///
/// This reads tables (`[profile.release]`) and dotted keys (`release.lto`), one key a line. It only serves to tell
/// the user that a setting is overridden, so a manifest that is written in another way costs that message.
pub fn lto_setting(manifest: &str, profile: &str) -> Option<String> {
    let wanted = ["profile", profile, "lto"];
    let mut table: Vec<String> = Vec::new();
    for line in manifest.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[') {
            table = path(header.trim_end_matches(']'));
        } else if let Some((key, value)) = line.split_once('=') {
            let full = table.iter().cloned().chain(path(key));
            if full.eq(wanted) {
                return Some(value.trim().to_string());
            }
        }
    }
    None
}

/// Whether this value of `lto` asks for what differentiation needs anyway.
pub fn is_fat(value: &str) -> bool {
    matches!(value, "true" | "\"fat\"" | "'fat'")
}

fn path(dotted: &str) -> Vec<String> {
    dotted
        .split('.')
        .map(|key| key.trim().trim_matches(['"', '\'']).to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lto_is_found_in_tables_and_dotted_keys() {
        for text in [
            "[package]\nlto = 1\n[profile.release]\nopt-level = 3\nlto = \"off\" # why\n",
            "[profile]\nrelease.lto = \"off\"\n",
            "profile.release.lto = \"off\"\n[package]\n",
            "[profile.\"release\"]\nlto=\"off\"\n",
        ] {
            assert_eq!(
                lto_setting(text, "release").as_deref(),
                Some("\"off\""),
                "{text}"
            );
            assert_eq!(lto_setting(text, "dev"), None);
        }
    }

    #[test]
    fn lto_elsewhere_is_not_the_profiles() {
        for text in [
            "",
            "[profile.release]\ndebug = true\n",
            "[profile.release.package.x]\nlto = true\n",
            "# lto = 1",
        ] {
            assert_eq!(lto_setting(text, "release"), None, "{text}");
        }
    }

    #[test]
    fn fat_has_two_spellings() {
        assert!(is_fat("true") && is_fat("\"fat\""));
        assert!(!is_fat("\"thin\"") && !is_fat("false") && !is_fat("\"off\""));
    }
}
