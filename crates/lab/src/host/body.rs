//! Message content on the wire: where DATA ends, and what was meant by its dots.

use std::borrow::Cow;

use memchr::memmem;

/// How a message ends in DATA (RFC 5321 section 4.1.1.4).
const END: &[u8] = b"\r\n.\r\n";

/// A complete message at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Complete {
    /// Bytes of content, still stuffed, its last line end included.
    pub(super) content: usize,
    /// Bytes up to and with the line of the dot.
    pub(super) consumed: usize,
}

/// Looks for the end of the data, from `scanned` on; updates `scanned` for the next look.
pub(super) fn end_of_data(input: &[u8], scanned: &mut usize) -> Option<Complete> {
    // The line end before the first byte is that of the DATA line.
    if input.starts_with(b".\r\n") {
        return Some(Complete { content: 0, consumed: 3 });
    }
    let from = scanned.saturating_sub(END.len() - 1);
    if let Some(at) = memmem::find(&input[from..], END) {
        let content = from + at + 2;
        return Some(Complete { content, consumed: content + 3 });
    }
    *scanned = input.len();
    None
}

/// The message without the dots that were added on the way (RFC 5321 section 4.5.2).
pub(super) fn unstuff(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.starts_with(b".") && memmem::find(content, b"\r\n.").is_none() {
        return Cow::Borrowed(content);
    }
    let mut plain = Vec::with_capacity(content.len());
    let mut rest = content.strip_prefix(b".").unwrap_or(content);
    while let Some(at) = memmem::find(rest, b"\r\n.") {
        plain.extend_from_slice(&rest[..at + 2]);
        rest = &rest[at + 3..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// What a strict receiver would say about content: bare CR or LF, NUL, lines that are too long, and 8-bit
/// bytes that were not announced.
pub(super) fn faults(content: &[u8], announced_8bit: bool) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let mut before = 0;
    let (mut bare, mut longest, mut start) = (false, 0, 0);
    for (at, &byte) in content.iter().enumerate() {
        if byte == b'\n' {
            bare |= before != b'\r';
            longest = longest.max((at + 1).saturating_sub(start + 2));
            start = at + 1;
        } else {
            bare |= before == b'\r';
        }
        before = byte;
    }
    if bare || before == b'\r' {
        faults.push("bare CR or LF in content");
    }
    if longest > 998 {
        faults.push("line over 998 bytes in content");
    }
    if memchr::memchr(0, content).is_some() {
        faults.push("NUL in content");
    }
    if !announced_8bit && !content.is_ascii() {
        faults.push("8-bit content without BODY=8BITMIME");
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_wherever_the_input_was_split() {
        let whole = b"a\r\n..\r\n.b\r\n.\r\nQUIT\r\n";
        for split in 0..=14 {
            let mut scanned = 0;
            let early = end_of_data(&whole[..split], &mut scanned);
            assert_eq!(early.is_some(), split >= 14, "{split}");
            let found = end_of_data(whole, &mut scanned);
            assert_eq!(found, Some(Complete { content: 11, consumed: 14 }), "{split}");
        }
        assert_eq!(end_of_data(b".\r\n", &mut 0), Some(Complete { content: 0, consumed: 3 }));
        assert_eq!(end_of_data(b"a\n.\n\r\n.\n", &mut 0), None);
    }

    #[test]
    fn dots_are_taken_off() {
        for (wire, plain) in [
            (&b"..\r\n"[..], &b".\r\n"[..]),
            (b"a\r\n..b\r\n...\r\n", b"a\r\n.b\r\n..\r\n"),
            (b"a.b\r\n", b"a.b\r\n"),
            (b".x\r\n", b"x\r\n"),
        ] {
            assert_eq!(unstuff(wire), plain);
        }
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(faults(b"a\r\nb\r\n", false), Vec::<&str>::new());
        assert_eq!(faults(b"a\nb\r\n", false), ["bare CR or LF in content"]);
        assert_eq!(faults(b"a\rb\r\n", false), ["bare CR or LF in content"]);
        assert_eq!(faults("\u{e9}\0\r\n".as_bytes(), true), ["NUL in content"]);
        assert_eq!(faults("\u{e9}\r\n".as_bytes(), false), ["8-bit content without BODY=8BITMIME"]);
        let line = |length: usize| [vec![b'a'; length], b"\r\n".to_vec()].concat();
        assert_eq!(faults(&line(998), false), Vec::<&str>::new());
        assert_eq!(faults(&line(999), false), ["line over 998 bytes in content"]);
    }
}
