//! Asking a person before something is done that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use mailreeve_api::wire::Problem;

/// Asks `question` on the terminal; only a yes is a yes. Where nobody can be asked it is a problem.
pub(crate) fn agreed(question: &str, example: &str, out: &mut dyn Write) -> Result<bool, Problem> {
    if !io::stdin().is_terminal() {
        return Err(Problem::new(
            format!("nobody is at a terminal to be asked: {}", question.trim_end_matches(['>', ' '])),
            format!("say yes with the command: {example}"),
        ));
    }
    let mut answer = String::new();
    let asked = out
        .write_all(question.as_bytes())
        .and_then(|()| out.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    match asked {
        Ok(_) => Ok(is_yes(&answer)),
        Err(error) => Err(Problem::new(
            format!("the answer could not be read: {error}"),
            format!("say yes with the command: {example}"),
        )),
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", "Y", " yes \r\n", "YES"].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "no", "yess", "y y"].into_iter().any(is_yes));
    }
}
