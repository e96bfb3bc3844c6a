//! A person at a terminal: the binary behind a pseudo-terminal, and what the screen shows.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{Gateway, PATIENCE, binary};

/// A terminal with somebody's program in it.
pub struct Terminal {
    keys: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Gives the words in a terminal of so many rows, which has room for long lines.
    pub fn start(gateway: &Gateway, words: &[&str], rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: rows, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(master.as_fd(), size).unwrap();
        let end = File::from(
            ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
                .unwrap(),
        );
        let clone = || end.try_clone().unwrap();
        // With the terminal as its own, or Ctrl-C would reach nobody.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(binary())
            .args(["--config", gateway.config().to_str().unwrap()])
            .args(words)
            .env("TERM", "xterm")
            // What a session keeps is the gateway's here, not that of who tests.
            .env("XDG_STATE_HOME", gateway.folder.path().join("state"))
            .stdin(clone())
            .stdout(clone())
            .stderr(clone())
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, told) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The last program that had the terminal open is gone when it cannot be read any more.
            while let Ok(count) = screen.read(&mut buffer) {
                told.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { keys, child, shown }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line at the prompt, and waits until the prompt stands there once more.
    pub fn give(&mut self, prompt: &str, line: &str) {
        let prompts = |text: &str| text.lines().filter(|line| line.starts_with(prompt.trim_end())).count();
        self.wait("a prompt", |text| text.ends_with(prompt));
        let before = prompts(&self.text());
        self.press(&format!("{line}\r"));
        self.wait(line, |text| prompts(text) > before && text.ends_with(prompt));
    }

    /// Waits until the last line is `end`, and types an answer.
    pub fn answer(&mut self, end: &str, answer: &str) {
        self.wait(end, |text| text.ends_with(end));
        self.press(&format!("{answer}\r"));
    }

    /// Waits until what was shown is as it is wanted.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.text()) {
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for: {what}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// All that was shown, as a person has seen it.
    pub fn text(&self) -> String {
        rendered(&String::from_utf8_lossy(&self.shown.lock().unwrap()))
    }

    /// Waits for the program to end.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal makes of this, as far as line editors and replies of ours steer it. Nothing scrolls away.
fn rendered(text: &str) -> String {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0_usize, 0_usize);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{8}' => column = column.saturating_sub(1),
            '\u{7}' => {}
            '\u{1b}' => {
                let (mut steer, mut last) = (String::new(), letters.next().unwrap_or('['));
                for next in letters.by_ref() {
                    last = next;
                    if next.is_ascii_alphabetic() {
                        break;
                    }
                    steer.push(next);
                }
                let count = steer.parse::<usize>().unwrap_or(1);
                match last {
                    'A' => row = row.saturating_sub(count),
                    'B' => row += count,
                    'C' => column += count,
                    'D' => column = column.saturating_sub(count),
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    // Modes: of pasting, of the cursor.
                    _ => {}
                }
            }
            _ => {
                let line: &mut Vec<char> = &mut lines[row];
                if line.len() <= column {
                    line.resize(column + 1, ' ');
                }
                line[column] = letter;
                column += 1;
            }
        }
        if lines.len() <= row {
            lines.resize(row + 1, Vec::new());
        }
    }
    let lines: Vec<String> = lines.into_iter().map(String::from_iter).collect();
    lines.join("\n")
}
