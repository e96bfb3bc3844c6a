//! `mailreeve desk-user`: who may use the desk, from the command line of the gateway's machine.
//!
//! It changes the same file as the desk, which sees it at its next request. A password is read from standard input
//! and never from an argument, where every user of the machine could read it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Subcommand, ValueEnum};
use mailreeve_api::audit::system_user;
use mailreeve_api::command::Role;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::desk::now;
use crate::password;
use crate::users::{self, Deed, Users};

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// List users and tokens.
    List,
    /// Make a user; the password is read from standard input.
    Add {
        /// The name.
        name: String,
        /// What the user may do.
        #[arg(long)]
        role: RoleName,
    },
    /// Set a new password, read from standard input; ends the user's sessions and lifts a lock.
    Password {
        /// The user.
        name: String,
    },
    /// Give a user another role; ends the user's sessions.
    Role {
        /// The user.
        name: String,
        /// What the user may do.
        #[arg(long)]
        role: RoleName,
    },
    /// Remove a user with all sessions.
    Remove {
        /// The user.
        name: String,
    },
    /// Make a token for a program and print it; nobody can have it again.
    Token {
        /// A name for it.
        name: String,
        /// What its bearer may do.
        #[arg(long)]
        role: RoleName,
        /// Days after which it ends by itself.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Take a token back.
    Revoke {
        /// The token's name.
        name: String,
    },
}

/// A role, as it is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// Looks only.
    ReadOnly,
    /// Looks and acts on the queue.
    Operator,
    /// Everything.
    Administrator,
}

impl RoleName {
    const fn role(self) -> Role {
        match self {
            Self::ReadOnly => Role::ReadOnlyOperator,
            Self::Operator => Role::Operator,
            Self::Administrator => Role::Administrator,
        }
    }
}

/// Carries a command out on the users in the desk's `folder`; writes what it did to `out`.
///
/// # Errors
/// In words for a person.
pub fn run(command: UserCommand, folder: &Path, out: &mut dyn Write) -> Result<()> {
    ensure!(
        users::file(folder).exists(),
        "the desk has no users in {}; its first start makes them (is this the gateway's configuration?)",
        folder.display()
    );
    let mut users = Users::open(folder)?;
    let Some(deed) = deed(&command) else { return list(&users, out) };
    let hash = match &command {
        UserCommand::Add { .. } => new_password()?,
        UserCommand::Password { name } => {
            ensure!(users.find(name)?.is_some(), "there is no user {name}");
            new_password()?
        }
        _ => String::new(),
    };
    let done = users.recorded(&deed, |users| change(users, command, &hash))?;
    Ok(writeln!(out, "{done}")?)
}

/// Makes a change and says what it did.
fn change(users: &mut Users, command: UserCommand, hash: &str) -> Result<String> {
    Ok(match command {
        UserCommand::List => String::new(),
        UserCommand::Add { name, role } => {
            users.add(&name, role.role(), hash)?;
            format!("User {name} may sign in as {}.", role.role().word())
        }
        UserCommand::Password { name } => {
            users.set_password(&name, hash)?;
            format!("User {name} has a new password; open sessions have ended.")
        }
        UserCommand::Role { name, role } => {
            users.set_role(&name, role.role())?;
            format!("User {name} is {} from now on; open sessions have ended.", role.role().word())
        }
        UserCommand::Remove { name } => {
            users.remove(&name)?;
            format!("User {name} is removed.")
        }
        UserCommand::Token { name, role, days } => {
            let now = now();
            let expires_at = days.map(|days| now + i64::from(days) * DAY_SECONDS);
            users.add_token(&name, role.role(), now, expires_at)?
        }
        UserCommand::Revoke { name } => {
            users.revoke_token(&name)?;
            format!("Token {name} is taken back.")
        }
    })
}

/// What the record says of a change; nothing of a look.
fn deed(command: &UserCommand) -> Option<Deed> {
    let role = |name: &str, role: &RoleName| format!("{name} --role {}", role.role().word());
    let (word, arguments) = match command {
        UserCommand::List => return None,
        UserCommand::Add { name, role: of } => ("add", role(name, of)),
        UserCommand::Password { name } => ("password", name.clone()),
        UserCommand::Role { name, role: of } => ("role", role(name, of)),
        UserCommand::Remove { name } => ("remove", name.clone()),
        UserCommand::Token { name, role: of, days: None } => ("token", role(name, of)),
        UserCommand::Token { name, role: of, days: Some(days) } => {
            ("token", format!("{} --days {days}", role(name, of)))
        }
        UserCommand::Revoke { name } => ("revoke", name.clone()),
    };
    let by = system_user(rustix::process::getuid().as_raw());
    Some(Deed { by, command: format!("desk-user {word}"), arguments })
}

fn list(users: &Users, out: &mut dyn Write) -> Result<()> {
    for (name, role) in users.list()? {
        writeln!(out, "user   {name:<24} {}", role.word())?;
    }
    for token in users.tokens()? {
        let made = jiff::Timestamp::from_second(token.made_at).unwrap_or_default();
        write!(out, "token  {:<24} {:<14} made {made}", token.name, token.role.word())?;
        match token.expires_at.map(|end| jiff::Timestamp::from_second(end).unwrap_or_default()) {
            Some(end) => writeln!(out, ", good until {end}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// Reads a password and returns its hash.
fn new_password() -> Result<String> {
    let password = read_password().context("reading the password from standard input")?;
    if let Some(weakness) = password::weakness(&password) {
        bail!("{weakness}");
    }
    password::hash(&password)
}

fn read_password() -> Result<String> {
    let input = io::stdin();
    let silenced = if input.is_terminal() { Some(Silenced::begin()?) } else { None };
    let mut line = String::new();
    let limit = u64::try_from(password::LONGEST).unwrap_or(u64::MAX) + 2;
    input.lock().take(limit).read_line(&mut line)?;
    drop(silenced);
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silenced(rustix::termios::Termios);

impl Silenced {
    fn begin() -> Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        let mut terminal = io::stderr();
        write!(terminal, "New password: ")?;
        terminal.flush()?;
        Ok(Self(before))
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        let _ = writeln!(io::stderr());
    }
}
