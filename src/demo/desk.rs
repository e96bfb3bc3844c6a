//! The desk of the demo's gateway: where browsers go, and who may sign in there.

use std::time::{Duration, Instant};

use super::folder::Folder;
use super::wake::{Wake, Waker};

/// The first user, as the desk tells it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// How long the desk may take to make its first user.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

/// Waits for the first user. `None` when the desk tells none in time, or the demo was stopped.
pub(super) fn first_login(folder: &Folder, waker: &Waker) -> Option<Login> {
    let file = folder.join("data/desk/first-login.txt");
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        // The file is written in one go, but may be seen before that.
        if let Some(login) = std::fs::read_to_string(&file).ok().and_then(|text| read(&text)) {
            return Some(login);
        }
        if waker.wait(LOOK) == Some(Wake::Stop) {
            return None;
        }
    }
    None
}

fn read(text: &str) -> Option<Login> {
    let value = |label: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(label))?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    // The token stands last: with it everything is there.
    value("token:")?;
    Some(Login { user: value("user:")?, password: value("password:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_when_it_is_whole() {
        let text = "Words.\n\nuser:     admin\npassword: s3cret-word\ntoken:    abc\n\nMore words.\n";
        let login = Login { user: "admin".to_owned(), password: "s3cret-word".to_owned() };
        assert_eq!(read(text), Some(login));
        assert_eq!(read(&text[..40]), None);
        assert_eq!(read(""), None);
    }
}
