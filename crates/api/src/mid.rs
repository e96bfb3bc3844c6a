//! The number of a message, as operators write it: bare, `52`, or as the log has it, `MID 52`.

use crate::command::Spec;
use crate::wire::Problem;

/// Takes the number of a message off the beginning of words; returns it with the words behind.
///
/// # Errors
///
/// When there is none, with an example of the command.
pub(crate) fn take<'a>(words: &'a [String], spec: &Spec) -> Result<(u64, &'a [String]), Problem> {
    let problem = |what: String| Problem::new(what, format!("for example: {}", spec.example));
    let missing = || problem(format!("{} needs the MID of a message, a number", spec.words));
    let (first, rest) = named(words).unwrap_or(words).split_first().ok_or_else(missing)?;
    // Whoever answers a question types both in one line.
    let word = match first.split_once(' ') {
        Some((name, number)) if is_name(name) => number.trim(),
        Some(_) | None => first.as_str(),
    };
    match read(word) {
        Some(Ok(mid)) => Ok((mid, rest)),
        Some(Err(problem)) => Err(problem),
        None => {
            Err(problem(format!("{} needs the MID of a message, a number: `{word}` is none", spec.words)))
        }
    }
}

/// Returns the words behind `MID`, where they begin with a number.
pub(crate) fn named(words: &[String]) -> Option<&[String]> {
    match words {
        [name, rest @ ..] if is_name(name) && rest.first().is_some_and(|word| read(word).is_some()) => {
            Some(rest)
        }
        _ => None,
    }
}

/// Reads a word that is a number and nothing else; `None` when it is something else.
pub(crate) fn read(word: &str) -> Option<Result<u64, Problem>> {
    let is_number = !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| {
        word.parse().map_err(|_| {
            Problem::new(format!("no message has so large a number: {word}"), "a MID as the log tells it")
        })
    })
}

fn is_name(word: &str) -> bool {
    word.eq_ignore_ascii_case("mid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::by_words;

    #[test]
    fn every_command_takes_a_message_bare_and_as_the_log_has_it() {
        let read = |command: &str, words: &str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let entry = by_words(command);
            entry.map(|entry| (entry.parse)(&words)).and_then(Result::ok)
        };
        for command in [
            "attempts",
            "transcript",
            "showmessage",
            "removemessage",
            "archivemessage",
            "delivernow",
            "track",
            "explain",
        ] {
            let bare = read(command, "52");
            assert!(bare.is_some(), "{command} 52");
            for written in ["mid 52", "MID 52"] {
                assert_eq!(read(command, written), bare, "{command} {written}");
            }
            for wrong in ["99999999999999999999", "mid 99999999999999999999"] {
                assert_eq!(read(command, wrong), None, "{command} {wrong}");
            }
        }
        assert_eq!(read("attempts", "MID 52 0"), read("attempts", "52 0"));
        assert_eq!(read("removemessage", "MID 52 y"), read("removemessage", "52 y"));
    }

    #[test]
    fn an_answer_to_a_question_may_hold_both() {
        let spec = by_words("showmessage").map(|entry| entry.spec);
        let taken = spec.map(|spec| take(&["MID 52".to_owned()], &spec).map(|(mid, _)| mid));
        assert_eq!(taken, Some(Ok(52)));
    }
}
