//! The first user, made when there is none: its password is told once, in a file for the gateway's user alone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mailreeve_api::command::Role;

use crate::users::Users;
use crate::{password, secret};

/// The first user's name.
const NAME: &str = "admin";
/// The first token's name.
const TOKEN: &str = "first";
/// How long it is good.
const TOKEN_SECONDS: i64 = 30 * 24 * 3_600;

/// The file in which the first secrets stand, until somebody deletes it.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("first-login.txt")
}

/// Makes the first user and token.
pub(crate) fn first_user(users: &Users, folder: &Path, now: i64) -> Result<()> {
    let path = file(folder);
    let password = secret::make()?;
    let hash = password::hash(&password)?;
    // A token that is left of a time before has nobody who could know it.
    if users.tokens()?.iter().any(|token| token.name == TOKEN) {
        users.revoke_token(TOKEN)?;
    }
    let token = users.add_token(TOKEN, Role::Administrator, now, Some(now + TOKEN_SECONDS))?;
    // The user comes last: when this is cut off, it is all made anew.
    tell(&path, &password, &token).with_context(|| format!("writing {}", path.display()))?;
    users.add(NAME, Role::Administrator, &hash)
}

fn tell(path: &Path, password: &str, token: &str) -> Result<()> {
    // A file that is there may be another's to read.
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    write!(
        file,
        "The desk's first user and a token for REST. Delete this file when you have both.\n\n\
         user:     {NAME}\npassword: {password}\ntoken:    {token}\n\n\
         `mailreeve desk-user password {NAME}` sets a password of your own,\n\
         `mailreeve desk-user revoke {TOKEN}` takes the token back; it ends by itself after 30 days.\n"
    )?;
    file.sync_all()?;
    // Nobody knows the password if the name of this file is lost with the power.
    let folder = path.parent().unwrap_or(Path::new("."));
    Ok(fs::File::open(folder)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_user_is_told_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::open(folder.path()).unwrap();
        let path = file(folder.path());
        fs::write(&path, "old").unwrap();
        first_user(&users, folder.path(), 0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        let told = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap().trim().to_owned()
        };
        assert_eq!(users.list().unwrap(), [("admin".to_owned(), Role::Administrator)]);
        assert_eq!(
            users.token(&told("token:"), TOKEN_SECONDS - 1).unwrap().unwrap().role,
            Role::Administrator
        );
        assert_eq!(users.token(&told("token:"), TOKEN_SECONDS).unwrap(), None);
        let kept = users.find("admin").unwrap().unwrap().hash;
        assert!(!text.contains(&kept) && told("password:").len() == 43);
    }
}
