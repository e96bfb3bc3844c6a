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
}

impl Users {
    /// Makes a token and returns its secret, which nobody can have again.
    ///
    /// # Errors
    /// A name that is taken or none.
    pub(crate) fn add_token(&self, name: &str, role: Role, now: i64) -> Result<String> {
        check_name(name)?;
        let known: i64 = self.connection.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
        ensure!(known < TOKENS, "there are {TOKENS} tokens already");
        ensure!(self.tokens()?.iter().all(|token| token.name != name), "there is a token {name} already");
        let token = format!("{MARK}{}", secret::make()?);
        self.connection.execute(
            "INSERT INTO token VALUES (?1, ?2, ?3, ?4)",
            params![name, role.word(), secret::digest(&token), now],
        )?;
        Ok(token)
    }

    /// Finds the token of a secret.
    pub(crate) fn token(&self, token: &str) -> Result<Option<Token>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM token WHERE digest = ?1")?;
        let found = query.query_row([secret::digest(token)], |row| {
            Ok((row.get("name")?, row.get::<_, String>("role")?, row.get("made_at")?))
        });
        found.optional()?.map(|(name, role, at)| of(name, &role, at)).transpose()
    }

    /// Every token, by name.
    pub(crate) fn tokens(&self) -> Result<Vec<Token>> {
        let mut query =
            self.connection.prepare_cached("SELECT name, role, made_at FROM token ORDER BY name")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        rows.map(|row| row.map_err(Into::into).and_then(|(name, role, at)| of(name, &role, at))).collect()
    }

    /// Takes a token back.
    pub(crate) fn revoke_token(&self, name: &str) -> Result<()> {
        let gone = self.connection.execute("DELETE FROM token WHERE name = ?1", [name])?;
        ensure!(gone == 1, "there is no token {name}");
        Ok(())
    }
}

fn of(name: String, role: &str, made_at: i64) -> Result<Token> {
    Ok(Token { name, role: role_of(role)?, made_at })
}
