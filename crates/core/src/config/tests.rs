#![allow(clippy::unwrap_used)]

mod mistakes;
mod values;

use super::*;

/// The commented file that operators start from.
const REFERENCE: &str = include_str!("../../../../docs/mailreeve.toml");

fn defaults() -> Defaults {
    Defaults {
        hostname: "gw.test".to_owned(),
        data_dir: "/data".into(),
        log_dir: "/logs".into(),
        socket: "/run/socket".into(),
    }
}

/// Reads a text that has no mistake.
fn good(text: &str) -> Config {
    match Config::parse(text, &defaults()) {
        Ok(config) => config,
        Err(mistakes) => {
            let shown: String = mistakes.iter().map(|mistake| render(mistake, text, "good.toml")).collect();
            unreachable!("{shown}")
        }
    }
}

/// Reads a text that has mistakes and returns them as an operator sees them.
fn bad(text: &str) -> String {
    let mistakes = Config::parse(text, &defaults()).unwrap_err();
    let shown: Vec<String> = mistakes.iter().map(|mistake| render(mistake, text, "mailreeve.toml")).collect();
    shown.join("\n")
}
