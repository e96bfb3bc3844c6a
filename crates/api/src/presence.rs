//! `who`, `whoami`: who gives commands to the gateway.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, short_span};
use crate::wire::{Caller, Problem};

/// Asks who gave commands lately.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {}

/// Those who gave commands lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WhoReply {
    /// When.
    pub as_of: AsOf,
    /// One a row, who came first at the top.
    pub present: Vec<Present>,
}

/// A user at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// The name.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// An address, or `local socket`.
    pub from: String,
    /// Signed in, or gave the first command, microseconds since the epoch.
    pub since_us: u64,
    /// The last command.
    pub last_us: u64,
    /// Its words.
    pub what: String,
}

/// Asks who one is to the gateway.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoAmI {}

/// Who one is to the gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WhoAmIReply {
    /// The name.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// An address, or `local socket`.
    pub from: String,
}

impl From<Caller> for WhoAmIReply {
    fn from(Caller { user, role, from }: Caller) -> Self {
        Self { user, role, from }
    }
}

impl Command for Who {
    type Reply = WhoReply;
    const SPEC: Spec = Spec {
        words: "who",
        summary: "lists who gives commands",
        about: "One row for each user and place from which commands came lately, at the desk, with a token or over the local socket. Who signs out is taken off at once, others when they were idle for as long as ends a session of the desk. At the local socket the user is that of the operating system.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/who",
        example: "who",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Command for WhoAmI {
    type Reply = WhoAmIReply;
    const SPEC: Spec = Spec {
        words: "whoami",
        summary: "shows who you are to the gateway",
        about: "The user and the role that this command comes with, and from where: what decides which commands are allowed, and what stands in the record of changes.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/whoami",
        example: "whoami",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for WhoReply {
    fn text(&self) -> String {
        let rows = self.present.iter().map(|present| {
            let idle = short_span(self.as_of.seconds_since(present.last_us));
            let since = self.as_of.day_and_time(present.since_us);
            [present.user.clone(), since, idle, present.from.clone(), present.what.clone()]
        });
        let head = ["Username", "Login Time", "Idle Time", "Remote Host", "What"].map(str::to_owned);
        let table: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        let mut out = String::new();
        for (number, row) in table.iter().enumerate() {
            let [user, since, idle, from, what] = row;
            let [a, b, c, d] = widths;
            let _ = writeln!(out, "{user:<a$}  {since:<b$}  {idle:<c$}  {from:<d$}  {what}");
            if number == 0 {
                let _ = writeln!(out, "{}", "=".repeat(a + b + c + d + width(4) + 8));
            }
        }
        out
    }
}

impl Text for WhoAmIReply {
    fn text(&self) -> String {
        let Self { user, role, from } = self;
        format!("Username:    {user}\nRole:        {}\nRemote Host: {from}\n", role.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_the_columns_that_operators_know() {
        let present = |user: &str, from: &str, since_us, last_us, what: &str| Present {
            user: user.into(),
            role: Role::Operator,
            from: from.into(),
            since_us,
            last_us,
            what: what.into(),
        };
        let reply = WhoReply {
            as_of: AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() },
            present: vec![
                present("admin", "10.1.3.14", 1_597_330_000_000_000, 1_597_343_157_000_000, "tophosts"),
                present("root", "local socket", 1_597_343_382_000_000, 1_597_343_382_000_000, "who"),
            ],
        };
        insta::assert_snapshot!(reply.text(), @r"
        Username  Login Time  Idle Time  Remote Host   What
        =======================================================
        admin     Thu 14:46   3m 45s     10.1.3.14     tophosts
        root      Thu 18:29   0s         local socket  who
        ");
        let caller = Caller { user: "ann".into(), role: Role::Operator, from: "192.0.2.7".into() };
        insta::assert_snapshot!(WhoAmIReply::from(caller).text(), @r"
        Username:    ann
        Role:        operator
        Remote Host: 192.0.2.7
        ");
    }
}
