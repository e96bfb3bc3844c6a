//! `mailreeve desk-user`: who may use the desk, from the command line of the gateway's machine.
//!
//! It changes the same file as the desk, which sees it at its next request. A password is read from standard input
//! and never from an argument, where every user of the machine could read it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Subcommand, ValueEnum};
use mailreeve_api::command::Role;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::desk::now;
use crate::password;
use crate::users::{self, Users};

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
    match command {
        UserCommand::List => return list(&users, out),
        UserCommand::Add { name, role } => {
            users.add(&name, role.role(), &new_password()?)?;
            writeln!(out, "User {name} may sign in as {}.", role.role().word())?;
        }
        UserCommand::Password { name } => {
            ensure!(users.find(&name)?.is_some(), "there is no user {name}");
            users.set_password(&name, &new_password()?)?;
            writeln!(out, "User {name} has a new password; open sessions have ended.")?;
        }
        UserCommand::Role { name, role } => {
            users.set_role(&name, role.role())?;
            writeln!(out, "User {name} is {} from now on; open sessions have ended.", role.role().word())?;
        }
        UserCommand::Remove { name } => {
            users.remove(&name)?;
            writeln!(out, "User {name} is removed.")?;
        }
        UserCommand::Token { name, role } => {
            writeln!(out, "{}", users.add_token(&name, role.role(), now())?)?;
        }
        UserCommand::Revoke { name } => {
            users.revoke_token(&name)?;
            writeln!(out, "Token {name} is taken back.")?;
        }
    }
    Ok(())
}

fn list(users: &Users, out: &mut dyn Write) -> Result<()> {
    for (name, role) in users.list()? {
        writeln!(out, "user   {name:<24} {}", role.word())?;
    }
    for token in users.tokens()? {
        let made = jiff::Timestamp::from_second(token.made_at).unwrap_or_default();
        writeln!(out, "token  {:<24} {:<14} made {made}", token.name, token.role.word())?;
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
