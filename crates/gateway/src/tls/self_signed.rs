//! The certificate that is presented when none is configured: made at the first start, kept in the data folder.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use mailreeve_store::disk::replace;
use rustls::ServerConfig;

use super::presenting;

/// Reads the pair in `folder`. One that is not there, or that cannot be used, is made anew: nobody trusts it by name,
/// and a gateway that does not start for its sake takes no mail.
pub(super) fn presenting_it(folder: &Path, hostname: &str) -> Result<ServerConfig> {
    let (certificate, key) = (folder.join("self-signed.pem"), folder.join("self-signed.key"));
    if let Ok(config) = presenting(&certificate, &key) {
        return Ok(config);
    }
    make(&certificate, &key, folder, hostname)?;
    presenting(&certificate, &key)
}

fn make(certificate: &Path, key: &Path, folder: &Path, hostname: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let made = rcgen::generate_simple_self_signed(vec![hostname.to_owned()])
        .context("making a self-signed certificate")?;
    let parts = [(key, made.signing_key.serialize_pem()), (certificate, made.cert.pem())];
    for (file, text) in parts {
        replace(file, text.as_bytes()).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A loss of power while it was made for the first time leaves an empty file, or one without the other.
    #[test]
    fn a_pair_that_is_kept_is_kept_and_one_that_is_damaged_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) =
            (folder.path().join("self-signed.pem"), folder.path().join("self-signed.key"));
        let read = || fs::read_to_string(&key).unwrap();
        presenting_it(folder.path(), "gw.example").unwrap();
        let first = read();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        presenting_it(folder.path(), "gw.example").unwrap();
        assert_eq!(read(), first);

        fs::write(&key, "").unwrap();
        presenting_it(folder.path(), "gw.example").unwrap();
        let second = read();
        assert_ne!(second, first);
        fs::remove_file(&certificate).unwrap();
        presenting_it(folder.path(), "gw.example").unwrap();
        fs::write(&key, &first).unwrap();
        presenting_it(folder.path(), "gw.example").unwrap();
        assert_ne!(read(), first);
    }
}
