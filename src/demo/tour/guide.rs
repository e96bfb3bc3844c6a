//! The guide of a tour: runs commands, shows what they print, says what it means, waits.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use super::super::guide::quoted;
use super::super::{Stage, say};
use super::{Ground, Halt};

/// How long a tour waits for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// How a command ends that was understood and says no.
const REFUSED: i32 = 1;
/// Lines of an output that are shown.
const SHOWN_LINES: usize = 40;

/// Leads the walk.
pub(super) struct Guide<'a> {
    stage: &'a Stage<'a>,
    wait: bool,
    socket: String,
    log: String,
    /// Numbers the steps of a part.
    step: usize,
}

impl<'a> Guide<'a> {
    pub(super) fn new(ground: &Ground<'_>, stage: &'a Stage<'a>, wait: bool) -> Self {
        let path = |name: &str| ground.folder.join(name).display().to_string();
        Self { stage, wait, socket: path("socket"), log: path("log/mail.current"), step: 0 }
    }

    /// Opens a part of the tour.
    pub(super) fn part(&mut self, title: &str, about: &str) -> Result<(), Halt> {
        self.step = 0;
        let rule = "=".repeat(title.chars().count());
        say(&format!("\n{title}\n{rule}\n{about}\n\n"))?;
        self.go_on()
    }

    /// Opens a step.
    pub(super) fn step(&mut self, question: &str) -> Result<(), Halt> {
        self.step += 1;
        say(&format!("{}. {question}\n\n", self.step))?;
        Ok(())
    }

    /// Says what was seen, and waits until it is read.
    pub(super) fn means(&self, text: &str) -> Result<(), Halt> {
        for line in text.lines() {
            say(&format!("   > {line}\n"))?;
        }
        say("\n")?;
        self.go_on()
    }

    /// Runs an operator's command and shows it with what it prints, which is returned.
    pub(super) fn operator(&self, words: &str) -> Result<String, Halt> {
        say(&format!("   $ mailreeve {words}\n"))?;
        let text = self.ask(words)?;
        show(&text)?;
        Ok(text)
    }

    /// Runs an operator's command without showing it.
    pub(super) fn ask(&self, words: &str) -> Result<String, Halt> {
        let program = std::env::current_exe().context("this program cannot be found again")?;
        let mut command = Command::new(program);
        command.args(words.split(' ')).env("MAILREEVE_SOCKET", &self.socket).env_remove("MAILREEVE_CONFIG");
        output(command, words)
    }

    /// Searches the log for `what`, shows the last `lines` that hold it, and returns all of them.
    pub(super) fn search(&self, what: &str, lines: usize) -> Result<String, Halt> {
        say(&format!("   $ grep -F {} {} | tail -n {lines}\n", quoted(what), quoted(&self.log)))?;
        let found = self.found(what)?;
        let all: Vec<&str> = found.lines().collect();
        show(&all[all.len().saturating_sub(lines)..].join("\n"))?;
        Ok(found)
    }

    /// The lines of the log that hold `what`.
    pub(super) fn found(&self, what: &str) -> Result<String, Halt> {
        let mut command = Command::new("grep");
        // grep ends with 1 where it finds nothing, which is an answer here.
        command.args(["-F", "--", what]).arg(&self.log);
        let told = command.stdin(Stdio::null()).output().context("grep cannot be run; it is needed here")?;
        Ok(String::from_utf8_lossy(&told.stdout).into_owned())
    }

    /// Waits until `look` finds what it looks for.
    pub(super) fn until<T>(
        &self,
        what: &str,
        look: impl Fn(&Self) -> Result<Option<T>, Halt>,
    ) -> Result<T, Halt> {
        let begin = Instant::now();
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if begin.elapsed() > PATIENCE {
                return Err(Halt::Failed(anyhow!("waited {PATIENCE:?} in vain for {what}")));
            }
            if !self.stage.pause(LOOK)? {
                return Err(Halt::Stopped);
            }
        }
    }

    fn go_on(&self) -> Result<(), Halt> {
        if !self.wait {
            return if self.stage.pause(Duration::ZERO)? { Ok(()) } else { Err(Halt::Stopped) };
        }
        say("   [Enter] ")?;
        let goes_on = self.stage.enter()?;
        say("\n")?;
        if goes_on { Ok(()) } else { Err(Halt::Stopped) }
    }
}

/// What a command prints. One that says no has given its answer, too.
fn output(mut command: Command, shown: &str) -> Result<String, Halt> {
    let told = command.stdin(Stdio::null()).output().with_context(|| format!("`{shown}` cannot be run"))?;
    let [text, problem] = [&told.stdout, &told.stderr].map(|told| String::from_utf8_lossy(told));
    if !matches!(told.status.code(), Some(0 | REFUSED)) {
        return Err(Halt::Failed(anyhow!("`{shown}` failed: {}", problem.trim())));
    }
    Ok(format!("{text}{problem}"))
}

fn show(text: &str) -> Result<(), Halt> {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let mut shown = String::new();
    for line in lines.iter().take(SHOWN_LINES) {
        shown.push_str("   ");
        shown.push_str(line);
        shown.push('\n');
    }
    if lines.is_empty() {
        shown.push_str("   (nothing)\n");
    }
    if lines.len() > SHOWN_LINES {
        shown.push_str(&format!("   ... and {} lines more\n", lines.len() - SHOWN_LINES));
    }
    shown.push('\n');
    Ok(say(&shown)?)
}
