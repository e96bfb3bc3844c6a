//! Rust source split into code and comments, without parsing it.
//!
//! Promises: [`Lexed::code`] has the byte length and the line breaks of the source, with every comment and
//! the inside of every string and character literal blanked, so that offsets and line numbers fit both and a
//! search in it cannot hit a text. It is not a parser: what it does not understand stays as it is.

/// What [`lex`] makes of a source.
#[derive(Debug)]
pub(crate) struct Lexed {
    /// The source with comments and literals blanked.
    pub(crate) code: String,
    /// Every comment in order.
    pub(crate) comments: Vec<Comment>,
}

/// One `//` line or one `/* */` block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// Line of its first character, from 1.
    pub(crate) line: usize,
    pub(crate) kind: CommentKind,
    /// The text without the marks, not trimmed.
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommentKind {
    /// `//` or `/*`.
    Plain,
    /// `///` or `/**`.
    Doc,
    /// `//!` or `/*!`.
    ModuleDoc,
}

/// Splits a source. Never fails: an unclosed literal or comment reaches to the end.
pub(crate) fn lex(source: &str) -> Lexed {
    let mut lexer =
        Lexer { source: source.as_bytes(), at: 0, line: 1, code: Vec::new(), comments: Vec::new() };
    lexer.run();
    let code = String::from_utf8_lossy(&lexer.code).into_owned();
    Lexed { code, comments: lexer.comments }
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    line: usize,
    code: Vec<u8>,
    comments: Vec<Comment>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'/' if self.peek(1) == Some(b'/') => self.line_comment(),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                b'"' => self.string(),
                b'\'' => self.quote(),
                b'r' | b'b' | b'c' if !self.inside_word() => self.prefix(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    /// Whether the byte before belongs to the same word, which then is no literal's prefix.
    fn inside_word(&self) -> bool {
        self.at > 0 && is_word(self.source[self.at - 1])
    }

    fn keep(&mut self) {
        let byte = self.source[self.at];
        self.line += usize::from(byte == b'\n');
        self.code.push(byte);
        self.at += 1;
    }

    fn blank(&mut self) {
        let byte = self.source[self.at];
        self.line += usize::from(byte == b'\n');
        self.code.push(if byte == b'\n' { b'\n' } else { b' ' });
        self.at += 1;
    }

    fn blank_up_to(&mut self, end: usize) {
        while self.at < end.min(self.source.len()) {
            self.blank();
        }
    }

    fn line_comment(&mut self) {
        let rest = &self.source[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let (kind, mark) = match rest {
            // Four slashes are a plain comment again (Rust reference, comments).
            [_, _, b'/', b'/', ..] => (CommentKind::Plain, 2),
            [_, _, b'/', ..] => (CommentKind::Doc, 3),
            [_, _, b'!', ..] => (CommentKind::ModuleDoc, 3),
            _ => (CommentKind::Plain, 2),
        };
        self.comment(kind, self.at + mark, self.at + length);
        self.blank_up_to(self.at + length);
    }

    /// Blocks nest.
    fn block_comment(&mut self) {
        let kind = match self.peek(2) {
            Some(b'!') => CommentKind::ModuleDoc,
            Some(b'*') if !matches!(self.peek(3), Some(b'*' | b'/')) => CommentKind::Doc,
            _ => CommentKind::Plain,
        };
        let mut depth = 1;
        let mut end = self.at + 2;
        while depth > 0 && end < self.source.len() {
            match (self.source[end], self.source.get(end + 1)) {
                (b'/', Some(b'*')) => (depth, end) = (depth + 1, end + 2),
                (b'*', Some(b'/')) => (depth, end) = (depth - 1, end + 2),
                _ => end += 1,
            }
        }
        let last = if depth == 0 { end - 2 } else { self.source.len() };
        self.comment(kind, (self.at + 2).min(last), last);
        self.blank_up_to(end);
    }

    fn comment(&mut self, kind: CommentKind, from: usize, to: usize) {
        let text = String::from_utf8_lossy(&self.source[from..to]).into_owned();
        self.comments.push(Comment { line: self.line, kind, text });
    }

    /// `"..."` with escapes; the quotes stay.
    fn string(&mut self) {
        self.keep();
        self.escaped_until(b'"');
    }

    fn escaped_until(&mut self, end: u8) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.blank_up_to(self.at + 2),
                _ if byte == end => return self.keep(),
                _ => self.blank(),
            }
        }
    }

    /// A character literal, or a lifetime or label, which stays as it is.
    fn quote(&mut self) {
        if self.peek(1) == Some(b'\\') {
            self.keep();
            return self.escaped_until(b'\'');
        }
        let rest = std::str::from_utf8(&self.source[self.at + 1..]).unwrap_or_default();
        let width = rest.chars().next().map_or(0, char::len_utf8);
        if width > 0 && self.peek(1 + width) == Some(b'\'') {
            self.keep();
            self.blank_up_to(self.at + width);
        }
        self.keep();
    }

    /// `r"`, `r#"`, `b"`, `b'`, `br"`, `c"`, `cr"`; anything else is the start of a word.
    fn prefix(&mut self) {
        let rest = &self.source[self.at..];
        let letters = rest.iter().take(2).take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
        let raw = rest[..letters].ends_with(b"r");
        let hashes = rest[letters..].iter().take_while(|byte| **byte == b'#').count();
        let opener = rest.get(letters + hashes).copied();
        match opener {
            Some(b'"') if raw => self.raw_string(letters + hashes, hashes),
            Some(b'"') if hashes == 0 => self.skip_then(letters, Self::string),
            Some(b'\'') if hashes == 0 && rest[..letters] == *b"b" => self.skip_then(letters, Self::quote),
            _ => self.keep(),
        }
    }

    fn skip_then(&mut self, letters: usize, next: fn(&mut Self)) {
        for _ in 0..letters {
            self.keep();
        }
        next(self);
    }

    /// No escapes: it ends at a quote followed by as many hashes as it began with.
    fn raw_string(&mut self, before_quote: usize, hashes: usize) {
        for _ in 0..=before_quote {
            self.keep();
        }
        let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
        let rest = &self.source[self.at..];
        let length = rest.windows(closing.len()).position(|window| window == closing).unwrap_or(rest.len());
        self.blank_up_to(self.at + length);
        for _ in 0..closing.len().min(self.source.len() - self.at) {
            self.keep();
        }
    }
}

/// Whether a byte can stand in an identifier. Bytes of other scripts count: Rust allows most of them.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> String {
        let lexed = lex(source);
        assert_eq!(lexed.code.len(), source.len(), "offsets must fit both");
        assert_eq!(lexed.code.matches('\n').count(), source.matches('\n').count());
        lexed.code
    }

    fn comments(source: &str) -> Vec<(usize, CommentKind, String)> {
        lex(source).comments.into_iter().map(|c| (c.line, c.kind, c.text)).collect()
    }

    #[test]
    fn strings_are_blanked_and_their_quotes_stay() {
        assert_eq!(code(r#"f("a{\"}");"#), r#"f("     ");"#);
        assert_eq!(code("x(\"é\")"), "x(\"  \")");
        assert_eq!(code(r##"b"{" c"{" br#"""# "##), r##"b" " c" " br#" "# "##);
    }

    #[test]
    fn a_raw_string_ends_only_with_its_own_hashes() {
        assert_eq!(code(r###"r##"a"#}"## }"###), r###"r##"    "## }"###);
        assert_eq!(code(r#"r"\" }"#), r#"r" " }"#);
    }

    #[test]
    fn a_raw_identifier_and_a_word_that_ends_in_r_are_no_strings() {
        assert_eq!(code("r#type { }"), "r#type { }");
        assert_eq!(code("for\"{\""), "for\" \"");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(code("fn f<'a>(x: &'a str) { '{' }"), "fn f<'a>(x: &'a str) { ' ' }");
        assert_eq!(code(r"['\'', '\u{7d}', b'{', '字']"), r"['  ', '      ', b' ', '   ']");
        assert_eq!(code("'outer: loop {}"), "'outer: loop {}");
    }

    #[test]
    fn comments_are_taken_out_with_their_lines_and_kinds() {
        let source = "//! a\n/// b\n//// c\nlet x = 1; // {\n/* d /* e */ f */ }\n";
        assert_eq!(
            comments(source),
            [
                (1, CommentKind::ModuleDoc, " a".to_owned()),
                (2, CommentKind::Doc, " b".to_owned()),
                (3, CommentKind::Plain, "// c".to_owned()),
                (4, CommentKind::Plain, " {".to_owned()),
                (5, CommentKind::Plain, " d /* e */ f ".to_owned()),
            ]
        );
        assert!(!code(source).contains('{'));
        assert!(code(source).contains('}'));
    }

    #[test]
    fn a_comment_mark_in_a_string_is_no_comment() {
        assert_eq!(comments(r#"let url = "http://a"; let b = "/*";"#), []);
    }

    #[test]
    fn what_is_not_closed_reaches_to_the_end() {
        for source in ["\"abc", "/* abc", "/*", "r#\"abc\"", "'\\", "'", "//", "b'"] {
            code(source);
        }
    }
}
