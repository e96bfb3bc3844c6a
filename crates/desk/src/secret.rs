//! Secrets of 256 bits: made here, told once, kept as digests only.

use anyhow::{Result, anyhow};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest as digest_with};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// SHA-256 of a secret. A secret of 256 random bits needs no salt and no slow hash.
pub(crate) type Digest = [u8; 32];

/// Makes a secret: 43 letters, digits, `-` and `_`.
pub(crate) fn make() -> Result<String> {
    let mut octets = [0; 32];
    fill(&mut octets)?;
    Ok(URL_SAFE_NO_PAD.encode(octets))
}

/// Fills `octets` with random ones.
pub(crate) fn fill(octets: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(octets).map_err(|_| anyhow!("the system gives no random numbers"))
}

/// The digest of a secret.
pub(crate) fn digest(secret: &str) -> Digest {
    digest_of(&[secret])
}

/// What the forms of a session bring along: follows from its secret and does not tell it.
pub(crate) fn csrf(session: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest_of(&["form:", session]))
}

/// Compares in a time that does not depend on where two texts differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

fn digest_of(parts: &[&str]) -> Digest {
    let mut out = Digest::default();
    let digest = digest_with(&SHA256, parts.concat().as_bytes());
    out.copy_from_slice(digest.as_ref());
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn secrets_differ_and_fit_into_a_cookie() {
        let (one, other) = (make().unwrap(), make().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    }

    #[test]
    fn a_form_token_belongs_to_its_session() {
        assert_eq!(csrf("a"), csrf("a"));
        assert_ne!(csrf("a"), csrf("b"));
        assert!(same(&csrf("a"), &csrf("a")) && !same(&csrf("a"), &csrf("b")) && !same("a", "ab"));
    }
}
