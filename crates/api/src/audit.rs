//! What the record of a change keeps: who made it, and of its arguments everything but secrets, not without end.

use serde_json::Value;

/// Octets of arguments that are kept.
const KEPT: usize = 1_000;
/// What stands for a secret.
const HIDDEN: &str = "***";

/// Writes the arguments of a call for the record: compact JSON, secrets replaced, cut at 1,000 octets.
pub fn recorded(args: &Value) -> String {
    let mut args = args.clone();
    hide(&mut args);
    let text = if args.is_null() { String::new() } else { args.to_string() };
    match text.len() > KEPT {
        false => text,
        true => format!("{}...", &text[..text.floor_char_boundary(KEPT)]),
    }
}

/// The name of a user of the system, or its number: for records of who did what.
pub fn system_user(uid: u32) -> String {
    let named = std::fs::read_to_string("/etc/passwd").ok().and_then(|users| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
        })
    });
    named.unwrap_or_else(|| format!("uid {uid}"))
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match names_a_secret(name) {
                    true => *value = Value::from(HIDDEN),
                    false => hide(value),
                }
            }
        }
        Value::Array(rows) => rows.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether an argument holds a secret, by its name: it is called after it.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passphrase", "secret", "token", "private_key"]
        .iter()
        .any(|word| name == *word || name.ends_with(&format!("_{word}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_not_recorded_wherever_they_stand() {
        let args =
            json!({"name": "a", "password": "p1", "rows": [{"api_token": {"deep": "p2"}, "keyword": "k"}]});
        let text = recorded(&args);
        assert!(!text.contains("p1") && !text.contains("p2"), "{text}");
        assert_eq!(text, r#"{"name":"a","password":"***","rows":[{"api_token":"***","keyword":"k"}]}"#);
    }

    #[test]
    fn a_record_has_an_end() {
        assert_eq!(recorded(&Value::Null), "");
        let text = recorded(&json!("\u{20ac}".repeat(1_000)));
        assert!(text.len() <= KEPT + 3 && text.ends_with("..."));
    }
}
