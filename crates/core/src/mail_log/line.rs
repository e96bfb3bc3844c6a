//! One line of the log, written straight into the buffer: no line is formatted elsewhere and copied.

use std::fmt::Display;
use std::io::Write as _;

use super::clock::STAMP;
use crate::ids::Rid;

/// Octets of what a peer or a message says that a line shows.
const SHOWN: usize = 998;

/// Writes lines that share one time.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    stamp: [u8; STAMP],
    out: &'a mut Vec<u8>,
}

/// A line being written. It ends where it is dropped: none can be left open.
#[derive(Debug)]
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.out.push(b'\n');
    }
}

impl<'a> Pen<'a> {
    pub(super) const fn new(stamp: [u8; STAMP], out: &'a mut Vec<u8>) -> Self {
        Self { stamp, out }
    }

    /// Begins a line of level Info.
    pub(super) fn info(&mut self) -> Line<'_> {
        self.begin(" Info: ")
    }

    /// Begins a line of level Warning.
    pub(super) fn warning(&mut self) -> Line<'_> {
        self.begin(" Warning: ")
    }

    /// Begins a line of level Critical.
    pub(super) fn critical(&mut self) -> Line<'_> {
        self.begin(" Critical: ")
    }

    /// Writes lines that were [`hold`]ed, with the present time.
    pub(super) fn release(&mut self, held: &[u8]) {
        for line in held.split_inclusive(|b| *b == b'\n') {
            self.out.extend_from_slice(&self.stamp);
            self.out.extend_from_slice(line);
        }
    }

    fn begin(&mut self, level: &str) -> Line<'_> {
        self.out.extend_from_slice(&self.stamp);
        Line { out: self.out }.text(level)
    }
}

/// Begins a line of level Info that waits in `held` for its time.
pub(super) fn hold(held: &mut Vec<u8>) -> Line<'_> {
    Line { out: held }.text(" Info: ")
}

impl Line<'_> {
    /// Appends words of ours.
    pub(super) fn text(self, text: &str) -> Self {
        self.out.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends a number.
    pub(super) fn number(self, number: impl Into<u64>) -> Self {
        let (mut digits, mut rest) = ([0; 20], number.into());
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[start..]);
        self
    }

    /// Appends a number that may be negative.
    pub(super) fn signed(self, number: i32) -> Self {
        let sign = if number < 0 { "-" } else { "" };
        self.text(sign).number(number.unsigned_abs())
    }

    /// Appends a time span in seconds.
    pub(super) fn seconds(self, micros: u64) -> Self {
        let hundredths = micros / 10_000;
        let fraction = hundredths % 100;
        self.number(hundredths / 100).text(if fraction < 10 { ".0" } else { "." }).number(fraction)
    }

    /// Appends an address or another thing that has no text of others in it.
    pub(super) fn show(self, thing: impl Display) -> Self {
        // Writing to a vector cannot fail.
        _ = write!(self.out, "{thing}");
        self
    }

    /// Appends a stamp made by another clock.
    pub(super) fn stamp(self, stamp: &[u8; STAMP]) -> Self {
        self.out.extend_from_slice(stamp);
        self
    }

    /// Appends text of others: control characters are escaped, what is too long is cut.
    pub(super) fn clean(self, text: &str) -> Self {
        escape(self.out, cut(text), None);
        self
    }

    /// Appends text of others in quotes, as Python writes it: double ones when only single ones are in it.
    pub(super) fn quoted(self, text: &str) -> Self {
        self.quoted_between("", text, "")
    }

    /// Appends `text` in quotes with `before` and `after`, words of ours, inside of them.
    pub(super) fn quoted_between(self, before: &str, text: &str, after: &str) -> Self {
        let text = cut(text);
        let (quote, mark) =
            if text.contains('\'') && !text.contains('"') { ('"', "\"") } else { ('\'', "'") };
        let line = self.text(mark).text(before);
        escape(line.out, text, Some(quote));
        line.text(after).text(mark)
    }

    /// Appends recipients: `[0, 1]`.
    pub(super) fn rids(self, rids: &[Rid]) -> Self {
        let mut line = self.text("[");
        for (index, rid) in rids.iter().enumerate() {
            line = line.text(if index == 0 { "" } else { ", " }).number(rid.0);
        }
        line.text("]")
    }

    /// Appends a reply: `('451', ['busy'])`; `'000'` stands for no reply.
    pub(super) fn reply(self, code: u16, lines: &[String]) -> Self {
        let mut line =
            self.text("('").number(code / 100 % 10).number(code / 10 % 10).number(code % 10).text("', [");
        for (index, text) in lines.iter().enumerate() {
            line = line.text(if index == 0 { "" } else { ", " }).quoted(text);
        }
        line.text("])")
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// Appends `text` with everything escaped that would end a line or steer a terminal; with `quote`, also the
/// quote and the backslash.
fn escape(out: &mut Vec<u8>, text: &str, quote: Option<char>) {
    let special = |c: char| is_special(c) || quote.is_some_and(|quote| c == quote || c == '\\');
    // Nearly every text is harmless ASCII: found out octet by octet, then copied at once.
    let harmless =
        |b: u8| (b' '..0x7f).contains(&b) && quote.is_none_or(|quote| b != quote as u8 && b != b'\\');
    if text.bytes().all(harmless) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for c in text.chars() {
        if !special(c) {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        // Writing to a vector cannot fail.
        _ = match c {
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if !c.is_control() && c.is_ascii() => write!(out, "\\{c}"),
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "\\u{:04x}", u32::from(c)),
        };
    }
}

/// Control characters, and those that end a line or turn the direction of the text around it.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn line(write: impl FnOnce(Line<'_>) -> Line<'_>) -> String {
        let mut out = Vec::new();
        drop(write(Line { out: &mut out }));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        text.trim_end_matches('\n').to_owned()
    }

    #[test]
    fn numbers() {
        assert_eq!(line(|l| l.number(0_u64).text(" ").number(u64::MAX)), "0 18446744073709551615");
        assert_eq!(line(|l| l.signed(-21_600).text(" ").signed(0)), "-21600 0");
        assert_eq!(line(|l| l.seconds(0).text(" ").seconds(1_050_000)), "0.00 1.05");
        assert_eq!(line(|l| l.rids(&[]).rids(&[Rid(0), Rid(12)])), "[][0, 12]");
    }

    #[test]
    fn text_of_others_stays_on_its_line() {
        assert_eq!(
            line(|l| l.clean("a\r\nThu Info: b\0\x1b[2J\u{9b}")),
            "a\\r\\nThu Info: b\\x00\\x1b[2J\\x9b"
        );
        assert_eq!(line(|l| l.clean("\u{202e}x\u{2028}\u{feff}")), "\\u202ex\\u2028\\ufeff");
        assert_eq!(line(|l| l.clean("plain \\ ü 漢")), "plain \\ ü 漢");
        assert_eq!(line(|l| l.clean(&"ü".repeat(600))).chars().count(), 499);
    }

    #[test]
    fn quotes_are_those_of_python() {
        assert_eq!(line(|l| l.quoted("plain")), "'plain'");
        assert_eq!(line(|l| l.quoted("it's")), "\"it's\"");
        assert_eq!(line(|l| l.quoted("it's \"so\"")), "'it\\'s \"so\"'");
        assert_eq!(line(|l| l.quoted("say \"so\" \\")), "'say \"so\" \\\\'");
        assert_eq!(line(|l| l.quoted("a\nb\u{7f}ü")), "'a\\nb\\x7fü'");
        assert_eq!(line(|l| l.reply(0, &[])), "('000', [])");
        let lines = ["one".to_owned(), "two's".to_owned()];
        assert_eq!(line(|l| l.reply(451, &lines)), "('451', ['one', \"two's\"])");
    }
}
