//! HTML that cannot be broken out of: what stands in our source is markup, everything else is text and escaped.

use std::fmt::Write as _;

/// A piece of HTML. The only ways to make one are a literal of ours with escaped values in it, and other pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

/// A value that can stand in a piece of HTML.
pub(crate) trait Show {
    /// Appends it, escaped where it is text.
    fn show(&self, out: &mut String);
}

impl Html {
    /// Makes an empty piece.
    pub(crate) const fn new() -> Self {
        Self(String::new())
    }

    /// Makes a piece from markup with a value in place of each `{}`, good between tags and inside quoted
    /// attributes.
    pub(crate) fn of(markup: &'static str, values: &[&dyn Show]) -> Self {
        let mut html = Self::new();
        html.put(markup, values);
        html
    }

    /// Appends markup with a value in place of each `{}`.
    pub(crate) fn put(&mut self, markup: &'static str, values: &[&dyn Show]) {
        let mut parts = markup.split("{}");
        self.0.push_str(parts.next().unwrap_or_default());
        let mut values = values.iter();
        for part in parts {
            match values.next() {
                Some(value) => value.show(&mut self.0),
                None => debug_assert!(false, "a value is missing in {markup}"),
            }
            self.0.push_str(part);
        }
        debug_assert!(values.next().is_none(), "a place is missing in {markup}");
    }

    /// Appends a piece.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Appends text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        text.show(&mut self.0);
    }

    /// Tells whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the octets for the wire.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl Show for str {
    fn show(&self, out: &mut String) {
        out.reserve(self.len());
        for letter in self.chars() {
            match letter {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\n' => out.push_str("&#10;"),
                '\t' => out.push('\t'),
                // What is not to be seen, or turns the order of what is around, is shown as a mark.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push(char::REPLACEMENT_CHARACTER),
                hidden if hidden.is_control() => out.push(char::REPLACEMENT_CHARACTER),
                other => out.push(other),
            }
        }
    }
}

impl Show for String {
    fn show(&self, out: &mut String) {
        self.as_str().show(out);
    }
}

impl Show for Html {
    fn show(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl Show for u64 {
    fn show(&self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, out: &mut String) {
        (*self).show(out);
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self, out: &mut String) {
        if let Some(value) = self {
            value.show(out);
        }
    }
}

/// Writes a word for a path or a query: everything but letters, digits and `-._~` is percent-encoded, so that it
/// is safe in any attribute (RFC 3986 section 2.3).
pub(crate) fn url_word(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for byte in word.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_wherever_they_stand() {
        let hostile = r#""><script>alert('1')</script>&amp;"#;
        let html = Html::of("<a title=\"{}\">{}</a>", &[&hostile, &hostile]).into_string();
        let text = "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;";
        assert_eq!(html, format!("<a title=\"{text}\">{text}</a>"));
    }

    #[test]
    fn pieces_are_not_escaped_twice() {
        let inner = Html::of("<b>{}</b>", &[&"a&b"]);
        let outer = Html::of("<p>{} {}</p>", &[&inner, &7_u64]);
        assert_eq!(outer.into_string(), "<p><b>a&amp;b</b> 7</p>");
    }

    #[test]
    fn words_of_a_path_cannot_leave_it() {
        assert_eq!(url_word("a.example"), "a.example");
        assert_eq!(url_word("../x?y=1#z é\"\r\n"), "..%2Fx%3Fy%3D1%23z%20%C3%A9%22%0D%0A");
    }
}
