//! The shape of a Rust file, read from its blanked code: functions and what is compiled for tests only.

use crate::lexer::{Lexed, is_word};

/// One function with a body, closures and nested functions included in its length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Line of the `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from the `fn` to its closing brace, both counted.
    pub(crate) lines: usize,
}

/// Every function with a body, in order.
pub(crate) fn functions(lexed: &Lexed) -> Vec<Function> {
    let code = lexed.code.as_bytes();
    words(&lexed.code, "fn").filter_map(|at| function_at(code, at)).collect()
}

/// Byte ranges of items under `#[cfg(test)]`.
pub(crate) fn test_ranges(lexed: &Lexed) -> Vec<std::ops::Range<usize>> {
    let code = lexed.code.as_bytes();
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(found) = lexed.code[from..].find("#[cfg(") {
        let start = from + found;
        let close = matching(code, start + "#[cfg".len()).unwrap_or(code.len());
        let condition = &lexed.code[start..close];
        from = close.max(start + 1);
        if words(condition, "test").next().is_some() && !condition.contains("not(") {
            let end = body_or_semicolon(code, close + 1).map_or(code.len(), |(_, end)| end);
            ranges.push(start..end);
        }
    }
    ranges
}

/// Offsets at which `word` stands as a whole word.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]));
        let after = bytes.get(at + word.len()).is_none_or(|byte| !is_word(*byte));
        before && after
    })
}

/// Line number of an offset, from 1.
pub(crate) fn line_of(code: &str, at: usize) -> usize {
    code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn function_at(code: &[u8], at: usize) -> Option<Function> {
    let name_at = at + 2 + code[at + 2..].iter().position(|byte| !byte.is_ascii_whitespace())?;
    let name: Vec<u8> = code[name_at..].iter().copied().take_while(|byte| is_word(*byte)).collect();
    // `fn(u8)` is a type.
    if name.is_empty() {
        return None;
    }
    let (open, end) = body_or_semicolon(code, name_at)?;
    open?;
    let line = newlines(&code[..at]) + 1;
    let lines = newlines(&code[at..end]) + 1;
    Some(Function { name: String::from_utf8_lossy(&name).into_owned(), line, lines })
}

/// Where the item that `from` stands in ends: `(opening brace if it has a body, offset after its end)`.
fn body_or_semicolon(code: &[u8], from: usize) -> Option<(Option<usize>, usize)> {
    let mut at = from;
    while at < code.len() {
        match code[at] {
            b'(' | b'[' => at = matching(code, at)?,
            b'{' => return Some((Some(at), matching(code, at)? + 1)),
            b';' => return Some((None, at + 1)),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Offset of the bracket that closes the one at `open`.
fn matching(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code[open..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

fn newlines(code: &[u8]) -> usize {
    code.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;

    fn lengths(source: &str) -> Vec<(String, usize, usize)> {
        functions(&lex(source)).into_iter().map(|f| (f.name, f.line, f.lines)).collect()
    }

    #[test]
    fn a_function_counts_from_fn_to_its_brace() {
        assert_eq!(
            lengths(
                "/// Doc.\npub fn a(x: [u8; 4]) -> u8\nwhere\n    u8: Copy,\n{\n    \"}\"; // }\n    1\n}\nfn b() {}\n"
            ),
            [("a".to_owned(), 2, 7), ("b".to_owned(), 9, 1)]
        );
    }

    #[test]
    fn declarations_and_function_types_have_no_length() {
        assert_eq!(lengths("trait T { fn a(&self); }\nstruct S { f: fn(u8) -> u8 }"), []);
    }

    #[test]
    fn nested_functions_count_in_both() {
        assert_eq!(
            lengths("fn a() {\n  fn b() {\n  }\n}\n"),
            [("a".to_owned(), 1, 4), ("b".to_owned(), 2, 2)]
        );
    }

    #[test]
    fn test_items_are_found_whole_and_others_are_not() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n#[cfg(test)]\nmod more;\n#[cfg(not(test))]\nfn c() {}\n#[cfg(all(test, unix))]\nfn d() {}";
        let lexed = lex(source);
        let texts: Vec<&str> = test_ranges(&lexed).into_iter().map(|range| &lexed.code[range]).collect();
        assert_eq!(
            texts,
            [
                "#[cfg(test)]\nmod tests {\n  fn b() {}\n}",
                "#[cfg(test)]\nmod more;",
                "#[cfg(all(test, unix))]\nfn d() {}"
            ]
        );
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(words("fn fnord my_fn fn", "fn").collect::<Vec<_>>(), [0, 15]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
