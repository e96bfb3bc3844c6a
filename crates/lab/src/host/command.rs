//! Command lines as the lab reads them: generously, and with notes about what was wrong.

use crate::record::Rcpt;

/// A command line, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// EHLO (true) or HELO with the name given.
    Helo(String, bool),
    /// MAIL FROM: path and parameters.
    Mail(Rcpt),
    /// RCPT TO: path and parameters.
    Rcpt(Rcpt),
    /// DATA.
    Data,
    /// BDAT: bytes, and whether it is the last chunk.
    Bdat(u64, bool),
    /// STARTTLS.
    Starttls,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// A known verb with arguments that make no sense.
    Malformed(&'static str),
    /// Anything else.
    Unknown,
}

/// Reads a line without its line end.
pub(super) fn parse(line: &[u8]) -> Command {
    let text = String::from_utf8_lossy(line);
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((&text, ""));
    let rest = rest.trim();
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" if !rest.is_empty() => Command::Helo(rest.to_owned(), true),
        "HELO" if !rest.is_empty() => Command::Helo(rest.to_owned(), false),
        "EHLO" | "HELO" => Command::Malformed("no name"),
        "MAIL" => path(rest, "FROM:").map_or(Command::Malformed("no FROM:<path>"), Command::Mail),
        "RCPT" => path(rest, "TO:").map_or(Command::Malformed("no TO:<path>"), Command::Rcpt),
        "DATA" => Command::Data,
        "BDAT" => chunk(rest).map_or(Command::Malformed("no size"), |(size, last)| Command::Bdat(size, last)),
        "STARTTLS" => Command::Starttls,
        "RSET" => Command::Rset,
        "NOOP" => Command::Noop,
        "QUIT" => Command::Quit,
        "VRFY" => Command::Vrfy,
        "HELP" => Command::Help,
        _ => Command::Unknown,
    }
}

/// The value of an ESMTP parameter, by its name.
pub(super) fn param<'a>(params: &'a [String], name: &str) -> Option<&'a str> {
    params.iter().find_map(|param| {
        let (key, value) = param.split_once('=').unwrap_or((param, ""));
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn path(rest: &str, word: &str) -> Option<Rcpt> {
    let head = rest.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let rest = rest[word.len()..].trim_start();
    let inside = rest.strip_prefix('<')?;
    let end = end_of_path(inside)?;
    let params = inside[end + 1..].split_whitespace().map(str::to_owned).collect();
    Some(Rcpt { address: inside[..end].to_owned(), params })
}

/// The place of the `>` that is not inside of a quoted local part (RFC 5321 section 4.1.2).
fn end_of_path(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn chunk(rest: &str) -> Option<(u64, bool)> {
    let mut words = rest.split_whitespace();
    let size = words.next()?;
    let plain = size.bytes().all(|byte| byte.is_ascii_digit());
    let size = size.parse().ok().filter(|_| plain)?;
    match (words.next(), words.next()) {
        (None, None) => Some((size, false)),
        (Some(last), None) if last.eq_ignore_ascii_case("LAST") => Some((size, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_their_quotes() {
        let Command::Rcpt(rcpt) = parse(br#"rcpt to: <"a>b\"c"@d.test> NOTIFY=NEVER ORCPT=rfc822;x"#) else {
            unreachable!("a recipient");
        };
        assert_eq!(rcpt.address, r#""a>b\"c"@d.test"#);
        assert_eq!(rcpt.params, ["NOTIFY=NEVER", "ORCPT=rfc822;x"]);
        assert_eq!(param(&rcpt.params, "notify"), Some("NEVER"));
        assert_eq!(param(&rcpt.params, "envid"), None);
    }

    #[test]
    fn odd_lines_are_named() {
        for (line, expected) in [
            (&b"MAIL FROM:a@b"[..], Command::Malformed("no FROM:<path>")),
            (b"MAIL FROM:<a", Command::Malformed("no FROM:<path>")),
            (b"BDAT 5 LAST", Command::Bdat(5, true)),
            (b"BDAT +5", Command::Malformed("no size")),
            (b"BDAT 5 LAST x", Command::Malformed("no size")),
            (b"BDAT 99999999999999999999", Command::Malformed("no size")),
            (b"EHLO", Command::Malformed("no name")),
            (b"quit", Command::Quit),
            (b"\xff\xfe", Command::Unknown),
            (b"", Command::Unknown),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }
}
