//! Guesses what was meant by a name that does not exist.

use std::ops::Range;

use super::mistake::Note;
use super::reader::Spec;

/// Describes a key that `spec` does not have.
pub(super) fn unknown(key: &str, span: Range<usize>, spec: &Spec) -> Note {
    let place =
        if spec.header.is_empty() { "at the top level".to_owned() } else { format!("in {}", spec.header) };
    let note = Note::new(span, format!("unknown key `{}` {place}", key.escape_debug()), hint(key, spec));
    // Below a header that could not be read, keys of its section seem to stand at the top level.
    if spec.header.is_empty() { note.doubtful() } else { note }
}

/// Returns the candidate that `name` is a slip of, if any is close enough.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name = name.to_ascii_lowercase();
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

fn hint(key: &str, spec: &Spec) -> String {
    if is_secret(key) {
        return "secrets stay out of this file: write the secret to a file of its own and name that with \
                password_file in [[credentials]]"
            .to_owned();
    }
    let homes: Vec<&str> =
        super::SECTIONS.iter().filter(|other| other.keys.contains(&key)).map(|other| other.header).collect();
    match (homes.as_slice(), nearest(key, spec.keys.iter().copied())) {
        ([""], _) => format!("`{key}` belongs above the first section of the file"),
        ([home], _) => format!("`{key}` belongs in {home}"),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        ([], None) => format!("known here: {}", spec.keys.join(", ")),
        (homes, None) => format!("`{key}` is a key of {}", homes.join(", ")),
    }
}

/// What looks like a secret is never shown, not even to say that it is at the wrong place.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "passwd", "secret", "token"]
        .iter()
        .any(|word| key == *word || key.ends_with(&format!("_{word}")))
}

/// Counts insertions, deletions, substitutions and swaps of neighbours between two names.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitute = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substitute.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["max_recipients", "low", "reserve"];
        let nearest = |name| nearest(name, words.into_iter());
        assert_eq!(nearest("max_recipient"), Some("max_recipients"));
        assert_eq!(nearest("resevre"), Some("reserve"));
        assert_eq!(nearest("Low"), Some("low"));
        assert_eq!(nearest("high"), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
