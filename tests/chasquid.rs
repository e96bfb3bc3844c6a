//! The conversations of another mail server's tests, played against the real gateway: its texts are its own,
//! the codes must agree, but for those that are listed with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::fs;
use std::path::{Path, PathBuf};

use mailreeve_lab::dialogue::{Dialogue, Stage, play};
use mailreeve_lab::record::{TRACE_HEADERS, skip_trace};
use mailreeve_lab::sink::Sink;
use world::places::sink;
use world::{Gateway, PATIENCE, testdata, wait_until};

/// Not run: AUTH is not offered, so there is nothing to compare.
const NOT_RUN: [&str; 3] = ["auth_multi_dialog.cmy", "auth_not_tls.cmy", "auth_too_many_failures.cmy"];

/// Where our code rightly differs: file, line, theirs, ours, why.
const DIFFERENT: [(&str, usize, &str, &str, &str); 7] = [
    ("bad_data.cmy", 35, "554", "250", "a header that does not parse is no reason to refuse mail"),
    ("bad_mail_from.cmy", 8, "500", "501", "MAIL is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_mail_from.cmy", 11, "500", "501", "MAIL is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 11, "500", "501", "RCPT is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 14, "500", "501", "RCPT is known, its argument is not (RFC 5321 4.2.4)"),
    ("bad_rcpt_to.cmy", 41, "550", "553", "RFC 6531 3.5 leaves 550 and 553; the local part is not judged"),
    ("line_too_long.cmy", 5, "554", "501", "our lines may be longer; what stands in this one is no name"),
];

#[test]
fn their_conversations_get_the_same_codes() {
    let Some(folder) = testdata("smtp-dialogs/chasquid") else { return };
    let sink = sink();
    let gateway = Gateway::start(&format!(
        "[accept]\ndomains = [\"testserver\"]\n[limits]\nmessage_bytes = \"1 MiB\"\n\
         [[route]]\ndomain = \"testserver\"\nto = [\"[{}]:2525\"]\n",
        sink.address().ip()
    ));
    let files = dialogues(&folder);
    let run: Vec<_> = files.iter().filter(|path| !NOT_RUN.contains(&name(path))).collect();
    assert_eq!(files.len() - run.len(), NOT_RUN.len(), "a file that is listed as not run is not there");
    for path in run {
        let before = sink.sums().messages;
        let text = with_our_codes(path);
        let dialogue = Dialogue::parse_cmy(&text).unwrap();
        let stage = Stage { patience: PATIENCE, ..Stage::new(gateway.smtp) };
        if let Err(failure) = play(&dialogue, &stage) {
            unreachable!("{}: {failure}", path.display());
        }
        wait_until("the queue is empty", || gateway.active() == 0);
        if let Ok(expected) = fs::read_to_string(path.with_extension("cmy.verify")) {
            assert_eq!(sink.sums().messages, before + 1);
            assert_eq!(newest(&sink), expected.replace('\n', "\r\n"), "{}", path.display());
        }
    }
}

fn dialogues(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "cmy")).collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The dialogue with our codes in the listed lines, which must hold theirs.
fn with_our_codes(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (_, line, theirs, ours, _) in DIFFERENT.iter().filter(|(file, ..)| *file == name(path)) {
        let said = &mut lines[line - 1];
        assert!(
            said.starts_with(&format!("c <~ {theirs}")) || said.starts_with(&format!("c <- {theirs}")),
            "{said}"
        );
        *said = format!("c <~ {ours}");
    }
    lines.join("\n")
}

/// The last message that arrived, without the fields put on top of it.
fn newest(sink: &Sink) -> String {
    let content = sink.deliveries().last().unwrap().content.clone().unwrap();
    let (start, _) = skip_trace(&content, &TRACE_HEADERS);
    String::from_utf8(content[start..].to_vec()).unwrap()
}
