//! Tokens: what programs show instead of a name and password.

use anyhow::{Result, ensure};
use mailreeve_api::command::Role;
use rusqlite::{OptionalExtension as _, params};

use super::{Users, check_name, role_of};
use crate::secret;

/// What every token begins with, so that one is known for what it is where it should not be.
const MARK: &str = "mailreeve_";
/// Tokens there may be.
const TOKENS: i64 = 1_000;

/// A token, but for its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Seconds since the epoch.
    pub(crate) made_at: i64,
    /// The same; until then it is good. Without it, until it is taken back.
    pub(crate) expires_at: Option<i64>,
}

impl Users {
    /// Makes a token and returns its secret, which nobody can have again. `now` and `expires_at` are in seconds since
    /// the epoch.
    ///
    /// # Errors
    /// A name that is taken or none.
    pub(crate) fn add_token(
        &self,
        name: &str,
        role: Role,
        now: i64,
        expires_at: Option<i64>,
    ) -> Result<String> {
        check_name(name)?;
        let known: i64 = self.connection.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
        ensure!(known < TOKENS, "there are {TOKENS} tokens already");
        ensure!(self.tokens()?.iter().all(|token| token.name != name), "there is a token {name} already");
        let token = format!("{MARK}{}", secret::make()?);
        self.connection.execute(
            "INSERT INTO token VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name, role.word(), secret::digest(&token), now, expires_at],
        )?;
        Ok(token)
    }

    /// Finds the token of a secret, if it is good at `now`.
    pub(crate) fn token(&self, token: &str, now: i64) -> Result<Option<Token>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM token WHERE digest = ?1")?;
        let found = query.query_row([secret::digest(token)], read).optional()?;
        let token = found.map(of).transpose()?;
        Ok(token.filter(|token| token.expires_at.is_none_or(|end| now < end)))
    }

    /// Every token, by name.
    pub(crate) fn tokens(&self) -> Result<Vec<Token>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM token ORDER BY name")?;
        let rows = query.query_map([], read)?;
        rows.map(|row| row.map_err(Into::into).and_then(of)).collect()
    }

    /// Takes a token back.
    pub(crate) fn revoke_token(&self, name: &str) -> Result<()> {
        let gone = self.connection.execute("DELETE FROM token WHERE name = ?1", [name])?;
        ensure!(gone == 1, "there is no token {name}");
        Ok(())
    }
}

/// Name, role, when it was made and when it expires.
type Row = (String, String, i64, Option<i64>);

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok((row.get("name")?, row.get("role")?, row.get("made_at")?, row.get("expires_at")?))
}

fn of((name, role, made_at, expires_at): Row) -> Result<Token> {
    Ok(Token { name, role: role_of(&role)?, made_at, expires_at })
}
