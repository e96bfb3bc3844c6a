//! Names of destinations and envelope senders, as operators write them.

use crate::wire::Problem;

/// Reads the name of a destination: in lower case, without the last dot.
///
/// # Errors
///
/// When no mail can have this destination.
pub fn destination(word: &str) -> Result<String, Problem> {
    if can_be_a_host(word) {
        return Ok(normal(word));
    }
    let hint = match word.rsplit_once('@') {
        Some((_, domain)) if can_be_a_host(domain) => {
            format!("that is a mailbox; its recipient host is `{}`", normal(domain))
        }
        _ => "domains as example.com (in other scripts as xn--...), or literals as [192.0.2.1]".to_owned(),
    };
    Err(Problem::new(format!("`{word}` is no recipient host"), hint))
}

/// The one spelling of a name: in lower case, without the last dot.
pub(crate) fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Reads an envelope sender, with or without angle brackets; empty is that of reports.
///
/// # Errors
///
/// When it is neither empty nor has a domain (RFC 5321 section 4.1.2).
pub fn sender(word: &str) -> Result<String, Problem> {
    let address = word.trim_matches(['<', '>']);
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(address.to_owned()),
        None if address.is_empty() => Ok(String::new()),
        Some(_) | None => Err(Problem::new(
            format!("`{word}` is no envelope sender"),
            "a whole address as user@example.com, or <> for the sender of reports",
        )),
    }
}

/// Whether any mail may have this destination: a host name (RFC 1123 section 2.1, with `_`) of ASCII, or what has
/// the look of an address literal (RFC 5321 section 4.1.3).
fn can_be_a_host(name: &str) -> bool {
    if let Some(literal) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let part = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b':');
        return !literal.is_empty() && literal.bytes().all(part);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_what_mail_can_go_to_is_a_destination() {
        for (word, name) in [
            ("A_b.Test.", "a_b.test"),
            ("localhost", "localhost"),
            ("the.cpq.host", "the.cpq.host"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"),
        ] {
            assert_eq!(destination(word).unwrap(), name);
        }
        for wrong in ["", "a b", "*", ".", "a..test", "-a.test", "[]", "b\u{fc}r.test", &"a".repeat(64)] {
            let problem = destination(wrong).unwrap_err();
            assert_eq!(problem.message, format!("`{wrong}` is no recipient host"));
            assert!(problem.hint.unwrap().contains("example.com"), "{wrong}");
        }
        let hint = destination("ann@Example.com").unwrap_err().hint.unwrap();
        assert_eq!(hint, "that is a mailbox; its recipient host is `example.com`");
    }

    #[test]
    fn a_sender_is_a_whole_address_or_nobody() {
        for (word, read) in
            [("<A@b.example>", "A@b.example"), ("a@b@c.example", "a@b@c.example"), ("<>", ""), ("", "")]
        {
            assert_eq!(sender(word).unwrap(), read);
        }
        for wrong in ["b.example", "@b.example", "a@", "nonsense"] {
            assert!(sender(wrong).unwrap_err().hint.unwrap().contains("user@example.com"), "{wrong}");
        }
    }
}
