//! Which settings of two texts differ, by name. Values are known here by their digest alone: they are nobody's business
//! in the records.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use toml::{Table, Value};

/// Settings that are told apart; a larger configuration is compared in its first part.
const SETTINGS: usize = 20_000;
/// Names that are told.
const NAMED: usize = 40;
/// Octets of a name that is told.
const NAME_BYTES: usize = 100;
/// What tells the rows of a list apart.
const KEYS: [&str; 2] = ["name", "domain"];

/// Every setting that a text gives, with a digest of its value.
pub type Settings = BTreeMap<String, u64>;

/// Which settings differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// Their names, at most forty.
    pub names: Vec<String>,
    /// So many more differ.
    pub more: u32,
}

/// Reads the settings of a text that is a good configuration.
pub fn settings(text: &str) -> Settings {
    let mut all = Settings::new();
    if let Ok(table) = text.parse::<Table>() {
        of_table("", &table, &mut all);
    }
    all
}

/// Names the settings that are not the same in both.
pub fn differing(before: &Settings, after: &Settings) -> Differing {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let other = after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name);
    let mut all: Vec<&String> = gone.chain(other).collect();
    all.sort_unstable();
    let more = u32::try_from(all.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
    let cut = |name: &String| name[..name.floor_char_boundary(NAME_BYTES)].to_owned();
    Differing { names: all.into_iter().take(NAMED).map(cut).collect(), more }
}

fn of_table(name: &str, table: &Table, all: &mut Settings) {
    for (key, value) in table {
        let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        of_value(&name, value, all);
    }
}

fn of_value(name: &str, value: &Value, all: &mut Settings) {
    match value {
        Value::Table(table) => of_table(name, table, all),
        Value::Array(rows) if !rows.is_empty() && rows.iter().all(Value::is_table) => {
            for (place, row) in rows.iter().filter_map(Value::as_table).enumerate() {
                let key = KEYS.iter().find_map(|key| row.get(*key));
                let key = key.map_or_else(|| (place + 1).to_string(), shown);
                of_table(&format!("{name}[{key}]"), row, all);
            }
        }
        _ if all.len() < SETTINGS => {
            let mut hasher = DefaultHasher::new();
            value.to_string().hash(&mut hasher);
            all.insert(name.to_owned(), hasher.finish());
        }
        _ => {}
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(before: &str, after: &str) -> Vec<String> {
        differing(&settings(before), &settings(after)).names
    }

    #[test]
    fn settings_that_differ_are_named_as_the_file_names_them() {
        let before = "hostname = 'a.example' # ours\n[limits]\nrecipients = 5\n[[destination]]\ndomain = 'b.example'\n\
                      tls = 'required'\n[[destination]]\ndomain = 'c.example'\ntls = 'off'\n";
        let after = "hostname = \"a.example\"\n[[destination]]\ndomain = 'c.example'\ntls = 'off'\n[[destination]]\n\
                     domain = 'b.example'\ntls = 'verify'\nconcurrency = 2\n";
        assert_eq!(
            named(before, after),
            ["destination[b.example].concurrency", "destination[b.example].tls", "limits.recipients"]
        );
        assert_eq!(named(before, &format!("# a comment\n{before}")), [""; 0]);
        assert_eq!(named("", "[delivery]\nsource_addresses = ['192.0.2.1']"), ["delivery.source_addresses"]);
    }

    #[test]
    fn names_are_bounded() {
        let many: String = (0..50).map(|n| format!("key{n:02} = {n}\n")).collect();
        let found = differing(&Settings::new(), &settings(&many));
        assert_eq!((found.names.len(), found.more), (NAMED, 10));
        let long = format!("\"{}\" = 1", "é".repeat(NAME_BYTES));
        assert!(named("", &long).iter().all(|name| name.len() <= NAME_BYTES));
    }
}
