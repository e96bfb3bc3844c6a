//! Text of others made fit to stand in a report.

use std::borrow::Cow;

/// Octets of one text of others that a report repeats.
const REPEATED: usize = 600;

/// Columns of a line of ours.
const WIDTH: usize = 76;

/// Makes text fit for a header field or a line: no control characters, and not too much of it.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    let cut = &text[..text.floor_char_boundary(REPEATED)];
    if cut.contains(char::is_control) {
        return Cow::Owned(cut.replace("\r\n", " ").replace(char::is_control, " "));
    }
    Cow::Borrowed(cut)
}

/// Makes a host name or address literal of others fit to stand where a token must.
pub(super) fn token(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    text.chars().take(255).map(|c| if plain(c) { c } else { '?' }).collect()
}

/// Makes a text ASCII: what is not becomes question marks.
pub(super) fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(|c: char| !c.is_ascii(), "?"))
}

/// Decodes xtext (RFC 3461 4); returned as it is when it is not, or hides something unprintable.
pub(super) fn decoded_xtext(text: &str) -> Cow<'_, str> {
    if !text.contains('+') {
        return Cow::Borrowed(text);
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'+' {
            octets.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(octet) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Cow::Borrowed(text);
        };
        octets.push(octet);
        rest = &tail[2..];
    }
    match String::from_utf8(octets) {
        Ok(decoded) if !decoded.contains(char::is_control) => Cow::Owned(decoded),
        Ok(_) | Err(_) => Cow::Borrowed(text),
    }
}

/// Appends a field, folded at blanks where it is long (RFC 5322 2.2.3).
pub(super) fn field(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push(':');
    wrapped(out, value, name.len() + 1, " ");
    out.push_str("\r\n");
}

/// Appends words, each behind a blank, the first in `column`; lines after the first begin with `indent`.
pub(super) fn wrapped(out: &mut String, text: &str, column: usize, indent: &str) {
    let mut column = column;
    for (index, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > WIDTH {
            out.push_str("\r\n");
            out.push_str(indent);
            column = indent.len();
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_decoded_where_it_is_harmless() {
        assert_eq!(decoded_xtext("plain"), "plain");
        assert_eq!(decoded_xtext("a+2Bb+3Dc"), "a+b=c");
        assert_eq!(decoded_xtext("b+C3+BCcher"), "bücher");
        for kept in ["a+0D+0AX:+20y", "a+zz", "a+", "a+2", "+FF", "a+7F"] {
            assert_eq!(decoded_xtext(kept), kept);
        }
    }

    #[test]
    fn fields_fold_at_blanks() {
        let mut out = String::new();
        field(&mut out, "Diagnostic-Code", &format!("smtp; 550 {} end", "word ".repeat(20)));
        assert!(out.lines().all(|line| line.len() <= WIDTH), "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with("  ")), "{out}");
        let mut out = String::new();
        field(&mut out, "X", &"y".repeat(100));
        assert_eq!(out, format!("X: {}\r\n", "y".repeat(100)));
        let mut out = String::new();
        field(&mut out, "X", "");
        assert_eq!(out, "X:\r\n");
    }

    #[test]
    fn nothing_ends_a_line_early() {
        assert_eq!(line("a\r\nBcc: b\0\u{85}"), "a Bcc: b  ");
        assert_eq!(line(&"ü".repeat(400)).len(), REPEATED);
        assert_eq!(token("mx.test\r\nX: y"), "mx.test??X:?y");
        assert_eq!(ascii("grün"), "gr?n");
    }
}
