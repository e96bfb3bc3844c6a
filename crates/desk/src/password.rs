//! Passwords: hashed with Argon2id (RFC 9106), compared in the same time whether the user exists or not.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::secret;

/// Characters of a password, at least.
pub(crate) const SHORTEST: usize = 10;
/// Octets of a password, at most.
pub(crate) const LONGEST: usize = 1_024;
/// Comparisons at a time: each takes 19 MiB.
const AT_A_TIME: usize = 2;
/// Comparisons that may wait, for those who are known where they stand, and for all others.
const WAITING: usize = 32;

/// Hashes a password with a salt of its own, as a PHC string.
pub(crate) fn hash(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    secret::fill(&mut salt)?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| anyhow!("hashing the password: {error}"))?;
    Ok(hash.to_string())
}

/// Why a password is not taken, if it is not.
pub(crate) fn weakness(password: &str) -> Option<String> {
    if password.chars().count() < SHORTEST {
        return Some(format!("a password has at least {SHORTEST} characters"));
    }
    (password.len() > LONGEST).then(|| format!("a password has at most {LONGEST} octets"))
}

/// Compares passwords, a bounded number at a time.
pub(crate) struct Passwords {
    /// What the password of a user who does not exist is compared with.
    decoy: String,
    seats: Arc<Semaphore>,
    waiting: Semaphore,
    known_waiting: Semaphore,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self> {
        let decoy = hash(&secret::make()?)?;
        let seats = Arc::new(Semaphore::new(AT_A_TIME));
        let (waiting, known_waiting) = (Semaphore::new(WAITING), Semaphore::new(WAITING));
        Ok(Self { decoy, seats, waiting, known_waiting })
    }

    /// Compares `password` with a user's hash; without one it takes as long and says no. `None` when too many
    /// wait already. `known` is who came in at this place before: strangers do not take their room to wait.
    pub(crate) async fn fits(&self, password: String, hash: Option<String>, known: bool) -> Option<bool> {
        let room = if known { &self.known_waiting } else { &self.waiting };
        let _waiting = room.try_acquire().ok()?;
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok()?;
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let compared = tokio::task::spawn_blocking(move || {
            let fits = fits(&password, &hash);
            drop(seat);
            fits
        });
        Some(compared.await.unwrap_or(false) && exists)
    }
}

fn fits(password: &str, hash: &str) -> bool {
    if password.len() > LONGEST {
        return false;
    }
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn only_the_password_fits() {
        let passwords = Passwords::new().unwrap();
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$") && kept != hash("correct horse").unwrap());
        let fits = |password: &str, hash: Option<&str>| {
            passwords.fits(password.to_owned(), hash.map(str::to_owned), false)
        };
        assert_eq!(fits("correct horse", Some(&kept)).await, Some(true));
        assert_eq!(fits("correct horse ", Some(&kept)).await, Some(false));
        assert_eq!(fits("correct horse", None).await, Some(false));
        assert_eq!(fits("", Some("not a hash")).await, Some(false));
    }

    #[test]
    fn short_and_endless_passwords_are_not_taken() {
        assert!(weakness("ninechars").is_some() && weakness("ten chars!").is_none());
        assert!(weakness(&"x".repeat(LONGEST + 1)).is_some());
    }
}
