//! What the demo prints: where to look, what to type, what is to be seen.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use mailreeve_lab::traffic::Tally;

use super::cast::{Cast, Role, Site};
use super::desk::Login;
use super::folder::Folder;
use super::ports::Ports;
use super::states::States;

/// Said when there is nothing more to say.
pub(super) fn idle(at_a_terminal: bool) -> String {
    let enter = if at_a_terminal { " Enter shows again where to look." } else { "" };
    format!("Mail flows until Ctrl-C, which ends and removes everything.{enter}\n")
}

/// What makes the program known to a shell that would not find it by its name.
fn alias() -> Option<String> {
    let called = PathBuf::from(std::env::args_os().next()?);
    let path = std::env::current_exe().ok().filter(|_| called.components().count() > 1)?;
    Some(format!("alias mailreeve={}", quoted(&path.display().to_string())))
}

/// A word as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-:@=,+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What there is to be shown.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Folder,
    pub(super) ports: &'a Ports,
    pub(super) cast: &'a Cast,
    pub(super) login: Option<&'a Login>,
}

/// All that is to be known at the beginning. What is needed first stands last, where it is still to be seen when the
/// rest has left the screen.
pub(super) fn opening(place: &Place<'_>) -> String {
    let mut text = String::from("\nMailreeve demo: a gateway, an Internet around it, and mail in between\n");
    // Writing to a string cannot fail.
    let _ = who_is_there(&mut text, place.cast);
    let _ = what_to_type(&mut text, place);
    text.push_str(&where_to_look(place));
    text
}

/// Where the gateway is, and how to come in.
pub(super) fn where_to_look(place: &Place<'_>) -> String {
    let mut text = String::new();
    let _ = places(&mut text, place);
    text
}

fn places(text: &mut String, place: &Place<'_>) -> std::fmt::Result {
    let Place { folder, ports, cast, login } = place;
    let shown = |name: &str| folder.join(name).display().to_string();
    writeln!(text, "\nWHERE TO LOOK")?;
    for replaced in &ports.replaced {
        writeln!(text, "  Note: {replaced}.")?;
    }
    if let Some(Login { user, password }) = login {
        writeln!(text, "  {:<26}http://{}/", "In a browser", ports.desk)?;
        writeln!(text, "  {:<26}user {user}, password {password}", "  to sign in there")?;
    }
    for (what, where_it_is) in [
        ("The gateway's SMTP port", ports.smtp.to_string()),
        ("It takes mail for", cast.home.clone()),
        ("Its log", shown("log/mail.current")),
        ("Its configuration", shown("mailreeve.toml")),
        ("The lab's name server", ports.dns.to_string()),
    ] {
        writeln!(text, "  {what:<26}{where_it_is}")?;
    }
    writeln!(text)
}

fn what_to_type(text: &mut String, place: &Place<'_>) -> std::fmt::Result {
    let Place { folder, ports, cast, .. } = place;
    let socket = folder.join("socket").display().to_string();
    let log = quoted(&folder.join("log/mail.current").display().to_string());
    writeln!(text, "\nWHAT TO TYPE, in a second terminal\n  export MAILREEVE_SOCKET={}", quoted(&socket))?;
    if let Some(alias) = alias() {
        writeln!(text, "  {alias}")?;
    }
    let down = cast.domain(Role::Refusing);
    for (words, what) in [
        ("tophosts active_rcpts".to_owned(), "where mail waits; `*` marks what is down"),
        ("deliverystatus".to_owned(), "every destination, and the few reasons why mail waits"),
        (format!("hoststatus {down}"), "one destination: state, reason, next attempt"),
        (format!("explain {down}"), "why mail waits there, whose that is, what to do"),
        (format!("probe {down}"), "the way of delivery, step by step, from here"),
        (format!("dig mx {down}"), "what the name service says, past every cache"),
        (
            format!("telnet {} {}", cast.exchanger(Role::Healthy), ports.hosts),
            "a connection by hand, as delivery makes it",
        ),
        (format!("showrecipients host {down}"), "each waiting message; with --json why it waits"),
        (format!("track host {down}"), "every message for it; `track mid N`: the whole way of one"),
        ("status detail".to_owned(), "counters, rates, kinds of bounces"),
        (format!("delivernow {down}"), "tries again at once"),
        ("displayalerts".to_owned(), "what an operator must hear"),
        ("help".to_owned(), "every command"),
    ] {
        writeln!(text, "  mailreeve {words:<52} # {what}")?;
    }
    writeln!(text, "  tail -f {log}")
}

fn who_is_there(text: &mut String, cast: &Cast) -> std::fmt::Result {
    writeln!(text, "\nWHAT IS TO BE SEEN")?;
    let mut last = None;
    for member in &cast.destinations {
        let lot = member.role.lot();
        if last != Some(lot) {
            writeln!(text, "  {lot}")?;
            last = Some(lot);
        }
        writeln!(text, "    {:<26}{}", member.domain, member.role.words())?;
    }
    writeln!(text, "  Senders to {}", cast.home)?;
    for Site { domain, address } in &cast.sites {
        writeln!(text, "    {domain:<26}from {address}")?;
    }
    Ok(())
}

/// Said when each state has been seen.
pub(super) fn states(states: &States, after: Duration) -> String {
    format!(
        "After {:.0} s of mail: {} destinations up, {} down, {} unknown.\n",
        after.as_secs_f64().max(1.0),
        states.up,
        states.down,
        states.unknown
    )
}

/// Said at the end.
pub(super) fn closing(tally: &Tally) -> String {
    let mut text = format!("{} letters were handed to the gateway", tally.taken);
    if tally.refused + tally.lost > 0 {
        let _ = write!(text, ", {} it refused, {} were lost on the way to it", tally.refused, tally.lost);
    }
    text.push_str(". Nothing is left of the demo.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_cut_them() {
        assert_eq!(quoted("/tmp/mailreeve-demo-1/socket"), "/tmp/mailreeve-demo-1/socket");
        assert_eq!(quoted("/tmp/my files/x"), "'/tmp/my files/x'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
