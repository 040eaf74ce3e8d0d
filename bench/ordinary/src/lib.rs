//! Never built: Cargo.toml and Cargo.lock are what is read.
