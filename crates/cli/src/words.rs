//! From a typed line to commands: `;` and line ends between them, spaces between words, quotes around words with
//! spaces.

use mailreeve_api::wire::Problem;

/// Takes a line apart into commands, each with at least one word.
///
/// A quote counts where a word begins; `o'brien@example.com` is a word like any other.
pub(crate) fn commands(line: &str) -> Result<Vec<Vec<String>>, Problem> {
    let mut commands = vec![Vec::new()];
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            ';' | '\n' => {
                commands.push(Vec::new());
                &rest[1..]
            }
            '"' | '\'' => {
                let end = closing(&rest[1..], first).ok_or_else(|| unclosed(rest))?;
                push(&mut commands, &rest[1..1 + end]);
                &rest[2 + end..]
            }
            _ if first.is_whitespace() => &rest[first.len_utf8()..],
            _ => {
                let end = rest.find(is_boundary).unwrap_or(rest.len());
                push(&mut commands, &rest[..end]);
                &rest[end..]
            }
        };
    }
    commands.retain(|words| !words.is_empty());
    Ok(commands)
}

fn push(commands: &mut [Vec<String>], word: &str) {
    if let Some(last) = commands.last_mut() {
        last.push(word.to_owned());
    }
}

/// Where the quote is that ends a word.
fn closing(text: &str, quote: char) -> Option<usize> {
    text.match_indices(quote)
        .map(|(at, _)| at)
        .find(|at| text[at + 1..].chars().next().is_none_or(is_boundary))
}

fn is_boundary(letter: char) -> bool {
    letter == ';' || letter.is_whitespace()
}

fn unclosed(text: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::new(
        format!("a quote is not closed: {shown}"),
        "put the same quote behind the last word that belongs to it; of a word that has quotes itself: '\"a b\"@example.com'",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_line_is_commands_and_words() {
        let table: [(&str, &[&[&str]]); 9] = [
            ("", &[]),
            (" ;; \n ", &[]),
            ("status", &[&["status"]]),
            (
                "suspend 5;workqueue  pause ; status\n",
                &[&["suspend", "5"], &["workqueue", "pause"], &["status"]],
            ),
            (
                "workqueue pause \"checking; LDAP server\"",
                &[&["workqueue", "pause", "checking; LDAP server"]],
            ),
            ("pause ''", &[&["pause", ""]]),
            ("from o'brien@example.com;x", &[&["from", "o'brien@example.com"], &["x"]]),
            ("from '\"a b\"@example.com'", &[&["from", "\"a b\"@example.com"]]),
            ("say 'it's'", &[&["say", "it's"]]),
        ];
        for (line, wanted) in table {
            assert_eq!(commands(line).unwrap(), wanted, "{line}");
        }
        for open in ["pause \"checking", "from \"a b\"@example.com", "'"] {
            assert!(commands(open).unwrap_err().message.starts_with("a quote is not closed: "), "{open}");
        }
    }
}
