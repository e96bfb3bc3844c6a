//! The configuration: TOML text in, typed settings or every mistake at once out.
