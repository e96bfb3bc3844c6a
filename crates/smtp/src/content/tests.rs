#![allow(clippy::unwrap_used)]

use super::*;

fn joined(content: &[u8]) -> Vec<u8> {
    stuffed(content).flatten().copied().collect()
}

#[test]
fn dots_at_line_starts_are_doubled() {
    for (content, wire) in [
        (&b""[..], &b""[..]),
        (b".", b".."),
        (b"a.b\r\n", b"a.b\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"..\r\n.x\r\n", b"...\r\n..x\r\n"),
        (b"a\r\n.\r\n.\r\nb", b"a\r\n..\r\n..\r\nb"),
        (b"a\n.b", b"a\n..b"),
        (b"a\r.b", b"a\r.b"),
    ] {
        assert_eq!(joined(content), wire, "{}", content.escape_ascii());
    }
}

#[test]
fn content_without_dots_is_one_slice() {
    let content = b"Subject: x\r\n\r\ntext. More.\r\n";
    let slices: Vec<&[u8]> = stuffed(content).collect();
    assert_eq!(slices, [&content[..]]);
    assert!(std::ptr::eq(slices[0].as_ptr(), content.as_ptr()), "and it is not copied");
    assert_eq!(stuffed(b"").next(), None);
}

#[test]
fn the_end_closes_the_last_line() {
    assert_eq!(terminator(b""), b".\r\n");
    assert_eq!(terminator(b"a\r\n"), b".\r\n");
    assert_eq!(terminator(b"a"), b"\r\n.\r\n");
    assert_eq!(terminator(b"a\n"), b"\r\n.\r\n");
    assert_eq!(terminator(b"a\r"), b"\r\n.\r\n");
    assert!(ends_with_crlf(b"\r\n") && !ends_with_crlf(b"\n") && !ends_with_crlf(b""));
}

#[test]
fn chunks_cut_anywhere_give_the_same() {
    let content = b".a\r\n..\r\n\r\n.\r\n.b\r\n.\r\n";
    let whole = [&joined(content)[..], terminator(content)].concat();
    for first in 0..=content.len() {
        for second in first..=content.len() {
            let mut stuffer = Stuffer::default();
            let mut wire: Vec<u8> = Vec::new();
            for chunk in [&content[..first], &content[first..second], &content[second..]] {
                wire.extend(stuffer.chunk(chunk).flatten());
            }
            wire.extend(stuffer.terminator());
            assert_eq!(wire, whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_terminator_can_lie_between_chunks() {
    let mut stuffer = Stuffer::default();
    assert_eq!(stuffer.terminator(), b".\r\n");
    stuffer.chunk(b"a\r");
    assert_eq!(stuffer.terminator(), b"\r\n.\r\n");
    stuffer.chunk(b"\n");
    assert_eq!(stuffer.terminator(), b".\r\n");
    stuffer.chunk(b"");
    assert_eq!(stuffer.terminator(), b".\r\n");
}
