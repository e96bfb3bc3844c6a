//! Reading replies: whole ones out, whatever way the octets come in; bounded.

use crate::reply::{Enhanced, Reply};

/// Octets of a reply line; RFC 5321 4.5.3.1.5 says 512, real servers say more.
const LINE_OCTETS: usize = 4096;
/// Lines of a reply.
const LINES: usize = 256;

/// A reply being read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
}

impl Reader {
    /// Reads up to the end of one line; returns the octets taken, and a reply when that line was its last.
    pub(super) fn read(&mut self, input: &[u8]) -> (usize, Result<Option<Reply>, String>) {
        let Some(end) = memchr::memchr(b'\n', input) else {
            self.line.extend_from_slice(input);
            let result = if self.line.len() > LINE_OCTETS { Err(too_long()) } else { Ok(None) };
            return (input.len(), result);
        };
        if self.line.len() + end > LINE_OCTETS {
            return (end + 1, Err(too_long()));
        }
        let result = if self.line.is_empty() {
            self.take(&input[..end])
        } else {
            self.line.extend_from_slice(&input[..end]);
            let line = std::mem::take(&mut self.line);
            self.take(&line)
        };
        (end + 1, result)
    }

    fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, last, text) = split(line)?;
        if self.code.is_some_and(|before| before != code) {
            return Err("a reply with different codes in its lines".to_owned());
        }
        if self.lines.len() >= LINES {
            return Err(format!("a reply of more than {LINES} lines"));
        }
        self.code = Some(code);
        self.lines.push(clean(text));
        if !last {
            return Ok(None);
        }
        self.code = None;
        let mut lines = std::mem::take(&mut self.lines);
        let enhanced = lines.first().and_then(|first| enhanced(first, code));
        if let Some(enhanced) = enhanced {
            let prefix = enhanced.to_string();
            for line in &mut lines {
                if let Some(rest) = line.strip_prefix(&prefix) {
                    *line = rest.trim_start().to_owned();
                }
            }
        }
        Ok(Some(Reply { code, enhanced, lines }))
    }
}

fn too_long() -> String {
    format!("a reply line of more than {LINE_OCTETS} octets")
}

/// Code, whether it is the last line, text.
fn split(line: &[u8]) -> Result<(u16, bool, &[u8]), String> {
    let bad = || format!("not a reply: {}", clean(&line[..line.len().min(60)]));
    let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit)).ok_or_else(bad)?;
    let code = digits.iter().fold(0, |code: u16, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..600).contains(&code) {
        return Err(bad());
    }
    match line.get(3) {
        None => Ok((code, true, &[])),
        Some(b' ') => Ok((code, true, &line[4..])),
        Some(b'-') => Ok((code, false, &line[4..])),
        Some(_) => Err(bad()),
    }
}

/// The enhanced code at the beginning of a text, when its class fits the code's.
fn enhanced(text: &str, code: u16) -> Option<Enhanced> {
    let word = text.split(' ').next()?;
    let mut numbers = word.split('.');
    let class: u8 = numbers.next()?.parse().ok()?;
    let subject = numbers.next()?.parse().ok()?;
    let detail = numbers.next()?.parse().ok()?;
    (numbers.next().is_none() && u16::from(class) == code / 100).then_some(Enhanced(class, subject, detail))
}

/// Text that is safe to show: what is not UTF-8 or not printable becomes visible.
fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
