//! Who can be asked, while a command is given.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use mailreeve_api::wire::Problem;

/// A question that is answered with one line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What is told before it, line ends included; may be empty.
    pub(crate) lead: &'a str,
    /// What stands before the answer, on its line: `[1]> `.
    pub(crate) prompt: &'a str,
    /// The answer is the name of a destination.
    pub(crate) destination: bool,
}

impl<'a> Question<'a> {
    /// Takes a text apart whose last line is the prompt.
    pub(crate) fn of(text: &'a str) -> Self {
        let (lead, prompt) = text.split_at(text.rfind('\n').map_or(0, |end| end + 1));
        Self { lead, prompt, destination: false }
    }
}

/// Somebody who gives commands, or nobody.
pub(crate) trait Person {
    /// Whether somebody is there.
    fn is_there(&self) -> bool;

    /// Asks, and returns the line without its end; nothing when the person left the question. Whatever is not the
    /// answer goes to `err`.
    fn answer(&mut self, question: Question<'_>, err: &mut dyn Write) -> io::Result<Option<String>>;
}

/// Whoever is at the standard input, as the terminal of the system edits lines.
pub(crate) struct AtStandardInput;

impl Person for AtStandardInput {
    fn is_there(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn answer(&mut self, question: Question<'_>, err: &mut dyn Write) -> io::Result<Option<String>> {
        err.write_all(question.lead.as_bytes())?;
        err.write_all(question.prompt.as_bytes())?;
        err.flush()?;
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line)?;
        Ok((count > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Asks before something is done that cannot be taken back; only a yes is a yes. Where nobody can be asked it is a
/// problem, and `example` says yes beforehand.
pub(crate) fn agreed(
    person: &mut dyn Person,
    question: &str,
    example: &str,
    err: &mut dyn Write,
) -> Result<bool, Problem> {
    let hint = || format!("say yes with the command: {example}");
    if !person.is_there() {
        let asked = question.trim_end_matches(['>', ' ']);
        return Err(Problem::new(format!("nobody is at a terminal to be asked: {asked}"), hint()));
    }
    match person.answer(Question::of(question), err) {
        Ok(answer) => Ok(answer.is_some_and(|answer| is_yes(&answer))),
        Err(error) => Err(Problem::new(format!("the answer could not be read: {error}"), hint())),
    }
}

pub(crate) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Somebody who gives these answers, and then leaves.
    pub(crate) struct Scripted(Vec<&'static str>);

    impl Scripted {
        pub(crate) fn new(answers: &[&'static str]) -> Self {
            Self(answers.iter().rev().copied().collect())
        }

        pub(crate) fn has_said_all(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl Person for Scripted {
        fn is_there(&self) -> bool {
            true
        }

        fn answer(&mut self, question: Question<'_>, err: &mut dyn Write) -> io::Result<Option<String>> {
            let answer = self.0.pop();
            writeln!(err, "{}{}{}", question.lead, question.prompt, answer.unwrap_or("^D"))?;
            Ok(answer.map(str::to_owned))
        }
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y", "Y", " yes \r", "YES"].into_iter().all(is_yes));
        assert!(!["", "n", "no", "yess", "y y"].into_iter().any(is_yes));
        let asked = |answers| agreed(&mut Scripted::new(answers), "Sure? [N]> ", "act y", &mut Vec::new());
        assert_eq!((asked(&["y"]), asked(&[""]), asked(&[])), (Ok(true), Ok(false), Ok(false)));
    }

    #[test]
    fn the_last_line_of_a_question_is_its_prompt() {
        let question = Question::of("Enter the host.\n[]> ");
        assert_eq!((question.lead, question.prompt), ("Enter the host.\n", "[]> "));
        assert_eq!(Question::of("Sure? [N]> ").lead, "");
    }
}
