//! Asking a person for what a command needs and was not given.
//!
//! What is asked is data: [`table`] has the dialogues that operators know; every other command is asked for its
//! required arguments as the registry describes them. The answers are the words of the command line, so whatever a
//! dialogue can order can be given in one line as well.

mod menu;
mod table;

use std::fmt::Write as _;
use std::io::{self, Write};

use mailreeve_api::command::{Argument, Entry};

use crate::person::{Person, Question, is_yes};

pub(crate) use menu::{menu, text as menu_text};

/// One question, or what follows from its answer.
pub(crate) enum Step {
    /// One of a numbered list, the first being the default.
    Pick {
        /// What is told above the list.
        lead: &'static str,
        /// The list.
        choices: &'static [Choice],
    },
    /// A line that becomes a word.
    Line {
        /// What is told above the prompt.
        lead: &'static str,
        /// What an empty answer means. Without it an empty answer leaves the dialogue.
        default: Option<&'static str>,
        /// It is the name of a destination.
        destination: bool,
    },
    /// Listeners of a numbered list, several separated by commas; all of them is the first line and the default.
    Listeners(&'static str),
    /// Anything but a yes leaves the dialogue.
    Agree(&'static str),
    /// What the registry says of an argument.
    Argument(&'static Argument),
}

/// A line of a numbered list.
pub(crate) struct Choice {
    /// As it is shown.
    pub(crate) label: &'static str,
    /// The word that it stands for, when there is one.
    pub(crate) word: Option<&'static str>,
    /// What is asked then.
    pub(crate) then: &'static [Step],
}

/// What came of a dialogue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The words after the command's own.
    Words(Vec<String>),
    /// The person left.
    Left,
    /// Nothing was to be asked: the words are what they are.
    Nothing,
}

/// Asks for what is missing behind the words `given` after those of a command. `listeners` tells their names, and none
/// where the gateway does not.
pub(crate) fn complete(
    entry: &Entry,
    given: &[String],
    listeners: &dyn Fn() -> Vec<String>,
    person: &mut dyn Person,
    err: &mut dyn Write,
) -> io::Result<Told> {
    // A command whose arguments can all be left out is asked for when it has none at all.
    if !given.is_empty() && (entry.parse)(given).is_ok() {
        return Ok(Told::Nothing);
    }
    let steps = table::steps(entry.spec.words);
    let needed: Vec<Step> =
        entry.spec.arguments.iter().take_while(|argument| argument.required).map(Step::Argument).collect();
    let mut asking = Asking { given, listeners, words: Vec::new(), asked: false, person, err };
    match asking.walk(steps.unwrap_or(&needed))? {
        Progress::Left => Ok(Told::Left),
        Progress::On if asking.asked && asking.given.is_empty() => {
            let words = asking.words;
            Ok(Told::Words(if entry.open_ended { apart(&words) } else { words }))
        }
        Progress::On | Progress::Mismatch => Ok(Told::Nothing),
    }
}

/// Words between spaces, of answers that hold several.
fn apart(words: &[String]) -> Vec<String> {
    words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect()
}

/// Reads numbers and names separated by commas, as words of the command line; returns what is neither.
fn chosen(answer: &str, names: &[String]) -> Result<String, String> {
    let mut word = Vec::new();
    for part in answer.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let of_name = || names.iter().find(|name| name.eq_ignore_ascii_case(part));
        match (part.parse::<usize>().ok(), of_name()) {
            // A listener may be called after its port.
            (_, Some(name)) => word.push(name.as_str()),
            (Some(1), None) => return Ok("ALL".to_owned()),
            (Some(number), None) => {
                let name = number.checked_sub(2).and_then(|place| names.get(place));
                word.push(name.ok_or_else(|| part.to_owned())?);
            }
            (None, None) if part.eq_ignore_ascii_case("all") => return Ok("ALL".to_owned()),
            (None, None) => return Err(part.to_owned()),
        }
    }
    Ok(if word.is_empty() { "ALL".to_owned() } else { word.join(",") })
}

enum Progress {
    On,
    Left,
    /// A word that was given is no answer to this question.
    Mismatch,
}

struct Asking<'a> {
    /// Words that were given and not yet taken for answers.
    given: &'a [String],
    listeners: &'a dyn Fn() -> Vec<String>,
    words: Vec<String>,
    asked: bool,
    person: &'a mut dyn Person,
    err: &'a mut dyn Write,
}

impl Asking<'_> {
    fn walk(&mut self, steps: &[Step]) -> io::Result<Progress> {
        for step in steps {
            let progress = match step {
                Step::Pick { lead, choices } => self.pick(lead, choices)?,
                Step::Line { lead, default, destination } => self.line(lead, *default, *destination)?,
                Step::Listeners(lead) => self.several(lead)?,
                Step::Agree(question) => self.agree(question)?,
                Step::Argument(argument) => self.argument(argument)?,
            };
            if !matches!(progress, Progress::On) {
                return Ok(progress);
            }
        }
        Ok(Progress::On)
    }

    fn pick(&mut self, lead: &str, choices: &'static [Choice]) -> io::Result<Progress> {
        let picked = if let Some((word, rest)) = self.given.split_first() {
            self.given = rest;
            choices.iter().find(|choice| choice.word.is_some_and(|own| own.eq_ignore_ascii_case(word)))
        } else {
            let labels: Vec<&str> = choices.iter().map(|choice| choice.label).collect();
            let words: Vec<&str> = choices.iter().map(|choice| choice.word.unwrap_or("")).collect();
            match self.number(lead, &labels, &words)? {
                Some(index) => choices.get(index),
                None => return Ok(Progress::Left),
            }
        };
        let Some(choice) = picked else { return Ok(Progress::Mismatch) };
        self.words.extend(choice.word.map(str::to_owned));
        self.walk(choice.then)
    }

    fn line(&mut self, lead: &str, default: Option<&str>, destination: bool) -> io::Result<Progress> {
        if let Some((word, rest)) = self.given.split_first() {
            self.given = rest;
            self.words.push(word.clone());
            return Ok(Progress::On);
        }
        let prompt = format!("[{}]> ", default.unwrap_or_default());
        let Some(answer) = self.ask(Question { lead, prompt: &prompt, destination })? else {
            return Ok(Progress::Left);
        };
        match (answer.trim(), default) {
            ("", None) => Ok(Progress::Left),
            ("", Some(default)) => {
                self.words.push(default.to_owned());
                Ok(Progress::On)
            }
            (answer, _) => {
                self.words.push(answer.to_owned());
                Ok(Progress::On)
            }
        }
    }

    /// Shows the listeners as a numbered list until the answer names some of them, by numbers or names.
    fn several(&mut self, lead: &str) -> io::Result<Progress> {
        let names = if self.given.is_empty() { (self.listeners)() } else { Vec::new() };
        if names.is_empty() {
            return self.line(lead, Some("ALL"), false);
        }
        let mut shown = format!("{lead}1. All\n");
        for (number, name) in (2..).zip(&names) {
            let _ = writeln!(shown, "{number}. {name}");
        }
        loop {
            let question = Question { lead: &shown, prompt: "[1]> ", destination: false };
            let Some(answer) = self.ask(question)? else { return Ok(Progress::Left) };
            match chosen(&answer, &names) {
                Ok(word) => {
                    self.words.push(word);
                    return Ok(Progress::On);
                }
                Err(wrong) => {
                    let last = names.len() + 1;
                    shown = format!("`{wrong}` is neither a number from 1 to {last} nor a listener.\n");
                }
            }
        }
    }

    fn agree(&mut self, question: &str) -> io::Result<Progress> {
        let answer = self.ask(Question::of(question))?;
        Ok(if answer.is_some_and(|answer| is_yes(&answer)) { Progress::On } else { Progress::Left })
    }

    fn argument(&mut self, argument: &'static Argument) -> io::Result<Progress> {
        if argument.choices.is_empty() {
            let name = argument.name.replace('_', " ");
            let lead = format!("Enter the {name}: {}.\n", argument.help.trim_end_matches('.'));
            return self.line(&lead, None, argument.name == "host");
        }
        let lead = format!("Choose the {}: {}.\n", argument.name, argument.help.trim_end_matches('.'));
        let word = if let Some((word, rest)) = self.given.split_first() {
            self.given = rest;
            argument.choices.iter().find(|choice| choice.eq_ignore_ascii_case(word))
        } else {
            match self.number(&lead, argument.choices, argument.choices)? {
                Some(index) => argument.choices.get(index),
                None => return Ok(Progress::Left),
            }
        };
        let Some(word) = word else { return Ok(Progress::Mismatch) };
        self.words.push((*word).to_owned());
        Ok(Progress::On)
    }

    /// Shows a numbered list until one of its lines is chosen, by its number or its word.
    fn number(&mut self, lead: &str, labels: &[&str], words: &[&str]) -> io::Result<Option<usize>> {
        let mut lead = lead.to_owned();
        for (number, label) in (1..).zip(labels) {
            let _ = writeln!(lead, "{number}. {label}");
        }
        loop {
            let question = Question { lead: &lead, prompt: "[1]> ", destination: false };
            let Some(answer) = self.ask(question)? else { return Ok(None) };
            let answer = answer.trim();
            if answer.is_empty() {
                return Ok(Some(0));
            }
            let of_number = answer.parse().ok().filter(|number| (1..=labels.len()).contains(number));
            let of_word = || words.iter().position(|word| word.eq_ignore_ascii_case(answer));
            if let Some(index) = of_number.map(|number: usize| number - 1).or_else(of_word) {
                return Ok(Some(index));
            }
            lead = format!("`{answer}` is not a number from 1 to {}.\n", labels.len());
        }
    }

    fn ask(&mut self, question: Question<'_>) -> io::Result<Option<String>> {
        self.asked = true;
        self.person.answer(question, self.err)
    }
}

#[cfg(test)]
mod tests;
