//! The format of a dialogue of the client side.
//!
//! ```text
//! # a comment                     * set tls required          a setting, at the head of the file
//!                                 * whole                     play it with the peer's octets whole only
//! S: 220 mx.test                  the peer sends this line, CRLF added
//! S= 220 mx\x00.test\r\n          the peer sends these octets, escapes replaced
//! S* 1000 220-x\r\n               the same, repeated
//! C: MAIL FROM:<a@b.test>         the session writes this line; a write of its own begins
//! C+ RCPT TO:<c@d.test>           ... in the same write as what stands before
//! ? recipient 1 0 250 ok          the session tells its driver this; it may end with `...`
//! ! transact 1 <a@b.test> <c@d.test> size=12
//!                                 the driver does something, see below
//! * peer closed                   something happens to the connection
//! +300s                           time passes
//! ```
//! What is expected stands behind what causes it, and nothing may be missing there.
//!
//! Actions: `transact TAG <from> <to>... [size=N] [8bit] [utf8] [mail/PARAM] [rcpt/PARAM]`, where `rcpt/` adds
//! to the recipient before it; `content_written`, `content_progress`, `tls_started`, `tls_failed WHY`, `quit`.
//! Settings: `helo`, `tls never|opportunistic|required`, `implicit_tls`, `envelope_only`, `auth USER PASSWORD`,
//! `allow_clear`, `line_octets N`, `lines N`, and each deadline by its name.

use std::path::Path;
use std::time::Duration;

use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::client::{Credentials, Settings, TlsDemand, Transaction};
use mailreeve_smtp::params::{MailParams, RcptParams};

use super::player::{duration, unescaped};

/// A dialogue.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    /// What it shows hangs on octets coming in one piece.
    pub(crate) whole_only: bool,
    /// Each input with the number of its line and what is expected behind it.
    pub(crate) steps: Vec<(usize, Input, Vec<Expected>)>,
    /// Lines that peer and session say.
    pub(crate) lines_spoken: usize,
}

/// A line that the session must cause.
pub(crate) struct Expected(pub(crate) String);

/// What makes a session go on.
pub(crate) enum Input {
    /// The session begins.
    Begin,
    /// The peer sends octets.
    Octets(Vec<u8>),
    /// Something else.
    Action(Action),
}

/// What the driver does, or what happens to the connection.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Transact(Transaction),
    ContentWritten,
    ContentProgress,
    TlsStarted,
    TlsFailed(String),
    Quit,
    PeerClosed,
    Passes(Duration),
}

impl Script {
    /// Reads a dialogue file.
    pub(crate) fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        #[allow(clippy::disallowed_methods, reason = "the test reads files, the session does not")]
        let text = std::fs::read_to_string(path).unwrap();
        Self::parse(&name, &text)
    }

    /// Parses the text of a dialogue.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut script = Self {
            name: name.to_owned(),
            settings: Settings { helo: "client.test".to_owned(), ..Settings::default() },
            whole_only: false,
            steps: vec![(0, Input::Begin, Vec::new())],
            lines_spoken: 0,
        };
        for (index, line) in text.lines().enumerate() {
            if !line.trim().is_empty() && !line.starts_with('#') {
                let understood = script.line(index + 1, line);
                understood.unwrap_or_else(|| panic!("{name}:{}: not a step: {line}", index + 1));
            }
        }
        script
    }

    fn line(&mut self, number: usize, line: &str) -> Option<()> {
        if let Some(time) = line.strip_prefix('+') {
            self.action(number, Action::Passes(duration(time.trim())?));
            return Some(());
        }
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        self.lines_spoken += usize::from(matches!(mark, "S:" | "S=" | "S*" | "C:" | "C+"));
        match mark {
            "S:" => self.octets(number, &[rest.as_bytes(), b"\r\n"].concat()),
            "S=" => self.octets(number, &unescaped(rest)),
            "S*" => {
                let (times, octets) = rest.split_once(' ')?;
                self.octets(number, &unescaped(octets).repeat(times.parse().ok()?));
            }
            "C:" | "C+" | "?" => self.steps.last_mut()?.2.push(Expected(line.to_owned())),
            "!" => self.action(number, action(rest)?),
            "*" if rest == "whole" => self.whole_only = true,
            "*" if rest == "peer closed" => self.action(number, Action::PeerClosed),
            "*" => set(&mut self.settings, rest.strip_prefix("set ")?)?,
            _ => return None,
        }
        Some(())
    }

    fn action(&mut self, number: usize, action: Action) {
        self.steps.push((number, Input::Action(action), Vec::new()));
    }

    /// Adds octets of the peer, to those before them when nothing is expected in between.
    fn octets(&mut self, number: usize, more: &[u8]) {
        match self.steps.last_mut() {
            Some((_, Input::Octets(octets), expected)) if expected.is_empty() => {
                octets.extend_from_slice(more)
            }
            _ => self.steps.push((number, Input::Octets(more.to_vec()), Vec::new())),
        }
    }
}

fn action(text: &str) -> Option<Action> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match word {
        "transact" => Action::Transact(transaction(rest)?),
        "content_written" => Action::ContentWritten,
        "content_progress" => Action::ContentProgress,
        "tls_started" => Action::TlsStarted,
        "tls_failed" => Action::TlsFailed(rest.to_owned()),
        "quit" => Action::Quit,
        _ => return None,
    })
}

/// Parses what stands behind `transact`.
pub(crate) fn transaction(text: &str) -> Option<Transaction> {
    let (tag, rest) = text.split_once(" <")?;
    let (mail, mut rest) = rest.split_once('>')?;
    let mut transaction = Transaction {
        tag: tag.parse().ok()?,
        mail: ReversePath::parse(mail).ok()?,
        params: MailParams::default(),
        recipients: Vec::new(),
        size: 1000,
        eight_bit: false,
        utf8_needed: false,
    };
    let (mut of_mail, mut of_rcpt) = (String::new(), String::new());
    while let Some(after_space) = rest.strip_prefix(' ') {
        let path = after_space.strip_prefix('<').and_then(|path| path.split_once('>'));
        let word = after_space.split(' ').next()?;
        rest = match path {
            Some((mailbox, later)) => {
                of_rcpt.clear();
                transaction.recipients.push((Mailbox::parse(mailbox).ok()?, RcptParams::default()));
                later
            }
            None => &after_space[word.len()..],
        };
        match (path, word.split_once(['=', '/'])) {
            (Some(_), _) => {}
            (None, Some(("size", octets))) => transaction.size = octets.parse().ok()?,
            (None, Some(("mail", param))) => {
                of_mail = format!("{of_mail} {param}");
                transaction.params = MailParams::parse(&of_mail).ok()?;
            }
            (None, Some(("rcpt", param))) => {
                of_rcpt = format!("{of_rcpt} {param}");
                transaction.recipients.last_mut()?.1 = RcptParams::parse(&of_rcpt).ok()?;
            }
            (None, _) if word == "8bit" => transaction.eight_bit = true,
            (None, _) if word == "utf8" => transaction.utf8_needed = true,
            (None, _) => return None,
        }
    }
    Some(transaction)
}

fn set(settings: &mut Settings, setting: &str) -> Option<()> {
    let (name, value) = setting.split_once(' ').unwrap_or((setting, ""));
    let deadlines = &mut settings.deadlines;
    let deadline = match name {
        "greeting" => &mut deadlines.greeting,
        "data_block" => &mut deadlines.data_block,
        "data_end" => &mut deadlines.data_end,
        _ => return set_other(settings, name, value),
    };
    *deadline = duration(value)?;
    Some(())
}

fn set_other(settings: &mut Settings, name: &str, value: &str) -> Option<()> {
    match (name, value) {
        ("helo", helo) => settings.helo = helo.to_owned(),
        ("tls", "never") => settings.tls = TlsDemand::Never,
        ("tls", "opportunistic") => settings.tls = TlsDemand::Opportunistic,
        ("tls", "required") => settings.tls = TlsDemand::Required,
        ("implicit_tls", "") => settings.implicit_tls = true,
        ("envelope_only", "") => settings.envelope_only = true,
        ("auth", both) => {
            let (user, password) = both.split_once(' ')?;
            settings.auth = Some(Credentials::new(user.to_owned(), password.to_owned()));
        }
        ("allow_clear", "") => settings.auth.as_mut()?.allow_clear = true,
        ("line_octets", octets) => settings.limits.line_octets = octets.parse().ok()?,
        ("lines", lines) => settings.limits.lines = lines.parse().ok()?,
        _ => return None,
    }
    Some(())
}
