//! Lines of commands, kept from session to session in a file of the user's own.
//!
//! The file is for its user alone, bounded in lines and octets, and holds nothing secret: no answers to questions, no
//! line that names a secret, none that begins with a space. Without a place for it, or where it cannot be read or
//! written, lines last as long as their session: no command fails for its history.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use mailreeve_api::audit::names_a_secret;

/// Lines that are brought back.
pub(super) const LINES: usize = 1_000;
/// A longer line is not kept.
const LINE_BYTES: usize = 1_000;
/// A file that has grown beyond this is cut to its newest lines.
const FILE_BYTES: u64 = 256 << 10;
/// For the user alone.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The file that lines are kept in; none where the user has no place for state.
pub(super) struct History(Option<PathBuf>);

impl History {
    /// That of the user: `mailreeve/history` below `$XDG_STATE_HOME`, or below `~/.local/state`.
    pub(super) fn of_the_user() -> Self {
        let folder = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
        Self(state.map(|state| state.join("mailreeve/history")))
    }

    /// Returns the newest lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.as_deref().and_then(|path| read(path).ok()).unwrap_or_default()
    }

    /// Keeps a line for later sessions, if it may be kept.
    pub(super) fn keep(&self, line: &str) {
        if let Some(path) = self.0.as_deref().filter(|_| may_be_kept(line)) {
            // Whoever cannot write there has the lines of this session.
            let _ = append(path, line);
        }
    }
}

fn may_be_kept(line: &str) -> bool {
    let short = !line.trim().is_empty() && line.len() <= LINE_BYTES;
    let mut words = line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '-'));
    let secret = |word: &str| names_a_secret(&word.trim_matches('-').replace('-', "_"));
    short && !line.starts_with(' ') && !line.contains(char::is_control) && !words.any(secret)
}

/// Opens a file that is the user's: no link, and for nobody else.
fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = options.mode(FILE_MODE).custom_flags(no_link).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    let mut octets = Vec::new();
    open(path, OpenOptions::new().read(true))?.take(2 * FILE_BYTES).read_to_end(&mut octets)?;
    let text = String::from_utf8_lossy(&octets);
    let lines: Vec<&str> = text.lines().filter(|line| may_be_kept(line)).collect();
    let newest = lines.len().saturating_sub(LINES);
    Ok(lines[newest..].iter().map(|line| (*line).to_owned()).collect())
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    }
    let mut file = open(path, OpenOptions::new().append(true).create(true))?;
    file.write_all(format!("{line}\n").as_bytes())?;
    if file.metadata()?.len() > FILE_BYTES {
        cut(path)?;
    }
    Ok(())
}

/// Leaves the newest lines. What another session adds in this moment may be lost.
fn cut(path: &Path) -> io::Result<()> {
    let lines = read(path)?;
    let newest = path.with_extension(format!("new{}", std::process::id()));
    let mut file = open(&newest, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all((lines[lines.len() / 2..].join("\n") + "\n").as_bytes())?;
    fs::rename(newest, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn place() -> (tempfile::TempDir, History) {
        let folder = tempfile::tempdir().unwrap();
        let history = History(Some(folder.path().join("deep/mailreeve/history")));
        (folder, history)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn lines_come_back_and_are_the_users_alone() {
        let (_folder, history) = place();
        assert!(history.lines().is_empty());
        for line in ["status", "tophosts active_rcpts; status", "track subject 'two words'"] {
            history.keep(line);
        }
        assert_eq!(history.lines(), ["status", "tophosts active_rcpts; status", "track subject 'two words'"]);
        let path = history.0.clone().unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        history.keep("rate");
        assert_eq!(mode(&path), 0o600, "whoever widened it");
    }

    #[test]
    fn nothing_secret_is_kept() {
        let (_folder, history) = place();
        for line in [
            "desk-user password ann hunter2",
            "x --password=hunter2",
            "x api-token hunter2",
            "x PassPhrase hunter2",
            " telnet mx.test 25",
            "a\tb",
            "",
            &"x".repeat(2_000),
        ] {
            history.keep(line);
        }
        assert!(history.lines().is_empty(), "{:?}", history.lines());
        history.keep("track subject tokens");
        assert_eq!(history.lines(), ["track subject tokens"]);
    }

    #[test]
    fn a_file_that_grows_is_cut_to_its_newest_lines() {
        let (_folder, history) = place();
        let line = |number: usize| format!("track sender {number} {}", "x".repeat(900));
        for number in 0..600 {
            history.keep(&line(number));
        }
        let path = history.0.clone().unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= FILE_BYTES + 1_024);
        assert_eq!(history.lines().last(), Some(&line(599)));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_is_not_followed_and_no_place_is_no_mistake() {
        let (folder, history) = place();
        let path = history.0.clone().unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "mine\n").unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        history.keep("status");
        assert_eq!((fs::read_to_string(&target).unwrap().as_str(), history.lines().len()), ("mine\n", 0));
        History(None).keep("status");
        assert!(History(None).lines().is_empty());
    }
}
