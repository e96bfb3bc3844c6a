//! A session: a prompt, commands, and nothing that is lost when one of them is aborted.
//!
//! At a terminal it edits lines, keeps their history, completes words, asks for what a command leaves out
//! and pauses where a page is full. Without a terminal it reads lines and carries them out: a script by another name.

mod completion;
mod editor;
mod history;
mod pages;

use std::io::{self, BufRead as _, ErrorKind, IsTerminal as _, Write as _};

use mailreeve_api::wire::{Call, Problem};
use serde_json::json;

use crate::give::{self, Console};
use crate::interrupt::Interrupt;
use crate::person::AtStandardInput;
use crate::problem::complain;
use crate::{Exit, Invocation, words};
use editor::{Editor, Line};
use pages::{Page, Pages};

/// What is shown before the gateway said its name.
const NAMELESS: &str = "mailreeve";

/// Carries out what is typed, or what standard input holds, until it ends. `invocation` says how commands are given;
/// its words are nothing.
pub fn session(invocation: &Invocation<'_>) -> io::Result<Exit> {
    let at_a_terminal = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
    if at_a_terminal { Session::begin(invocation)?.run() } else { script(invocation) }
}

/// Lines of standard input, one after the other; returns how the last command ended that did not go well.
fn script(invocation: &Invocation<'_>) -> io::Result<Exit> {
    let interrupt = Interrupt::of_the_system();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut last = Exit::Done;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if is_end(&[line.trim().to_owned()]) {
            break;
        }
        // Standard input is the script: nobody there can be asked.
        let mut console =
            Console { person: &mut AtStandardInput, interrupt: &interrupt, out: &mut out, err: &mut err };
        match give::run_line(invocation, &line, &mut console)? {
            Exit::Done => {}
            exit @ (Exit::Failed | Exit::Usage | Exit::Unreachable | Exit::Interrupted) => last = exit,
        }
    }
    Ok(last)
}

fn is_end(words: &[String]) -> bool {
    matches!(words, [word] if ["quit", "exit", "q"].iter().any(|end| end.eq_ignore_ascii_case(word)))
}

struct Session<'a> {
    invocation: Invocation<'a>,
    editor: Editor,
    interrupt: Interrupt,
    /// Whether a page is waited at, and what is left out asked for.
    interactive: bool,
    /// How full the page is that the line shows on.
    page: Page,
    /// What the gateway calls itself, once it said so.
    hostname: Option<String>,
}

/// Whether a session goes on.
enum After {
    Further,
    End,
}

impl<'a> Session<'a> {
    fn begin(invocation: &Invocation<'a>) -> io::Result<Self> {
        let interrupt = Interrupt::caught()?;
        let editor = Editor::new(invocation.socket)?;
        let invocation = Invocation { terminal: true, ..invocation.clone() };
        Ok(Self {
            invocation,
            editor,
            interrupt,
            interactive: true,
            page: Page::of_the_terminal(true),
            hostname: None,
        })
    }

    fn run(mut self) -> io::Result<Exit> {
        self.welcome()?;
        loop {
            let prompt = format!("{}> ", self.hostname.as_deref().unwrap_or(NAMELESS));
            match self.editor.line(&prompt)? {
                Line::Typed(line) => match self.carry_out(&line)? {
                    After::Further => {}
                    After::End => return Ok(Exit::Done),
                },
                Line::Dropped => {}
                Line::End => return Ok(Exit::Done),
            }
            if self.hostname.is_none() {
                self.hostname = self.ask_for_name().ok();
            }
        }
    }

    fn welcome(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        writeln!(out, "Mailreeve {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "`help` lists the commands, Tab completes them, `quit` leaves.\n")?;
        match self.ask_for_name() {
            Ok(name) => self.hostname = Some(name),
            Err((problem, exit)) => {
                self.with_console(|invocation, console| complain(&problem, exit, invocation, console))?;
            }
        }
        Ok(())
    }

    fn ask_for_name(&self) -> Result<String, (Problem, Exit)> {
        let reply = give::ask(&self.invocation, &Call::new("version", json!({})), &self.interrupt)?;
        Ok(reply["hostname"].as_str().unwrap_or(NAMELESS).to_owned())
    }

    fn carry_out(&mut self, line: &str) -> io::Result<After> {
        self.interrupt.forget();
        self.page = Page::of_the_terminal(self.interactive);
        let commands = match words::commands(line) {
            Ok(commands) => commands,
            Err(problem) => {
                self.with_console(|invocation, console| {
                    complain(&problem, Exit::Usage, invocation, console)
                })?;
                return Ok(After::Further);
            }
        };
        for words in &commands {
            if is_end(words) {
                return Ok(After::End);
            }
            if words[0].eq_ignore_ascii_case("setttymode") {
                self.set_mode(&words[1..])?;
                continue;
            }
            let ended = self.with_console(|invocation, console| {
                give::run(&Invocation { words, ..invocation.clone() }, console)
            });
            match ended {
                Ok(Exit::Interrupted) => break,
                Ok(Exit::Done | Exit::Failed | Exit::Usage | Exit::Unreachable) => {}
                // A page where somebody saw enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
        Ok(After::Further)
    }

    fn set_mode(&mut self, words: &[String]) -> io::Result<()> {
        let words: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => {}
            ["interactive"] => self.interactive = true,
            ["noninteractive"] => self.interactive = false,
            _ => {
                let problem = Problem::new(
                    format!("`{}` is not a mode", words.join(" ")),
                    "one of interactive, noninteractive",
                );
                self.with_console(|invocation, console| {
                    complain(&problem, Exit::Usage, invocation, console)
                })?;
                return Ok(());
            }
        }
        let mode = if self.interactive { "interactive" } else { "noninteractive" };
        writeln!(io::stdout(), "The terminal is {mode}.")
    }

    fn with_console(
        &mut self,
        act: impl FnOnce(&Invocation<'_>, &mut Console<'_>) -> io::Result<Exit>,
    ) -> io::Result<Exit> {
        let invocation =
            Invocation { asks: self.interactive && !self.invocation.json, ..self.invocation.clone() };
        let mut pages = Pages::new(&self.interrupt, self.page);
        let ended = {
            let (interrupt, person) = (&self.interrupt, &mut self.editor);
            let mut console = Console { person, interrupt, out: &mut pages, err: &mut io::stderr() };
            act(&invocation, &mut console)
        };
        self.page = pages.end()?;
        ended
    }
}
