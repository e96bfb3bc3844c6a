//! What the desk says, and what it is answered.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use mailreeve_api::command::{Effect, Role};
use mailreeve_api::desk::{ASK_BYTES, CALLS, Fact, FromDesk, Start, ToDesk};
use mailreeve_api::format::in_line;
use mailreeve_api::registry::by_words;
use mailreeve_api::wire::{Answer, Call, Problem, ProblemKind};
use mailreeve_core::event::{Event, Severity, SignIn};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, Semaphore, oneshot};

use crate::commands::Commands;
use crate::context::Context;

/// Octets of a name that go into the record.
const NAME_BYTES: usize = 100;

/// Serves a desk until it ends or says what no desk says.
pub(super) async fn until_its_end(
    stream: UnixStream,
    start: &Start,
    context: &Arc<Context>,
    commands: &Arc<Commands>,
) {
    let (read, write) = stream.into_split();
    let writer = Arc::new(Mutex::new(write));
    let mut reader = BufReader::new(read);
    if say(&writer, &ToDesk::Start(start.clone())).await.is_err() {
        return;
    }
    // The desk keeps to the same bound, so nobody waits here.
    let seats = Arc::new(Semaphore::new(CALLS));
    let looks = Looks::default();
    while let Ok(Some(said)) = next(&mut reader).await {
        match said {
            FromDesk::Tell(fact) => {
                commands.note(&fact);
                record(context, fact);
            }
            FromDesk::Cancel { id } => looks.cancel(id),
            FromDesk::Ask { id, call } => {
                let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
                let (commands, writer) = (Arc::clone(commands), Arc::clone(&writer));
                let (looks, cancelled) = (looks.clone(), looks.begin(id, &call));
                // A change is carried out and recorded whole, even when the desk ends meanwhile.
                tokio::spawn(async move {
                    let answer = tokio::select! {
                        answer = answered(&commands, call) => answer,
                        () = cancelled => given_up(),
                    };
                    looks.end(id);
                    // A desk that is gone needs no answer.
                    let _ = say(&writer, &ToDesk::Answer { id, answer }).await;
                    drop(seat);
                });
            }
        }
    }
}

/// Looks under way, by the numbers of their calls: whoever asked may leave. Changes are not among them.
#[derive(Clone, Default)]
struct Looks(Arc<parking_lot::Mutex<HashMap<u64, oneshot::Sender<()>>>>);

impl Looks {
    /// Begins a call; what it returns waits until nobody waits for the call.
    fn begin(&self, id: u64, call: &Call) -> impl Future<Output = ()> + use<> {
        let (cancel, cancelled) = oneshot::channel();
        let is_look = by_words(&call.command).is_some_and(|entry| entry.spec.effect == Effect::Read);
        if is_look {
            self.0.lock().insert(id, cancel);
        }
        async move {
            if !is_look || cancelled.await.is_err() {
                std::future::pending().await
            }
        }
    }

    fn cancel(&self, id: u64) {
        if let Some(cancel) = self.0.lock().remove(&id) {
            // It may have ended in this moment.
            let _ = cancel.send(());
        }
    }

    fn end(&self, id: u64) {
        self.0.lock().remove(&id);
    }
}

fn given_up() -> Answer {
    let problem = Problem::new("nobody waits for this any more", "ask again");
    Answer::problem(problem.of(ProblemKind::Unavailable))
}

async fn answered(commands: &Commands, mut call: Call) -> Answer {
    match call.caller.take() {
        Some(caller) => commands.answer(call, &caller).await,
        None => {
            let problem = Problem::new("the call has no caller", "a desk says for whom it asks");
            Answer::problem(problem.of(ProblemKind::Unauthenticated))
        }
    }
}

async fn say(writer: &Mutex<OwnedWriteHalf>, what: &ToDesk) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    writer.lock().await.write_all(&line).await
}

async fn next(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<FromDesk>> {
    let mut line = Vec::new();
    let limit = u64::try_from(ASK_BYTES).unwrap_or(u64::MAX);
    reader.take(limit).read_until(b'\n', &mut line).await?;
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&line)?)) }
}

/// Facts of the desk as events; it can write no others.
fn record(context: &Context, fact: Fact) {
    if let Some((severity, code, text, hint)) = alert_of(&fact) {
        context.events.alert(severity, code, text, hint);
    }
    if let Some(event) = event_of(fact) {
        context.events.tell(event);
    }
}

/// What an operator must hear: severity, code, what happened, what to do.
fn alert_of(fact: &Fact) -> Option<(Severity, &'static str, String, &'static str)> {
    let alert = match fact {
        Fact::SignedIn { .. }
        | Fact::SignedOut { .. }
        | Fact::SignInRefused { .. }
        | Fact::UsersChanged { .. } => {
            return None;
        }
        Fact::FirstUser { told_in } => (
            Severity::Information,
            "desk-first-user",
            format!(
                "the password of the desk's first user, admin, and a token stand in {}",
                in_line(&told_in.to_string_lossy())
            ),
            "sign in, set a password of your own, take the token back (`mailreeve desk-user revoke first`), delete the file",
        ),
        Fact::Failed { why } => (
            Severity::Warning,
            "desk-failed",
            format!("the desk cannot work: {}; mail is not concerned", short(why)),
            "mend what is said; the desk is started again and again until it can",
        ),
        Fact::LockedOut { user, from, address, seconds } => {
            let whom = match address {
                true => format!("address {}", short(from)),
                false => format!("user {} at {}", short(user), short(from)),
            };
            (
                Severity::Warning,
                "desk-lockout",
                format!("too many wrong passwords at the desk: {whom} is locked for {seconds} s"),
                "find out who tries; `mailreeve desk-user password NAME` sets a new password and lifts a user's lock",
            )
        }
        Fact::Guessed { user, from } => (
            Severity::Warning,
            "desk-guessing",
            format!(
                "many wrong passwords at the desk for user {}, the last from {}: attempts from places where that \
                 user never signed in are slowed down",
                short(user),
                short(from)
            ),
            "nobody is locked out; find out who tries, and let only your own networks reach the desk",
        ),
        Fact::Storage { why } => (
            Severity::Warning,
            "desk-storage",
            format!("the desk cannot keep its users and sessions: {}; mail is not concerned", short(why)),
            "make room on the disk and look at data_dir/desk; sessions that begin meanwhile end with the desk's process",
        ),
    };
    Some(alert)
}

/// What goes into the record.
fn event_of(fact: Fact) -> Option<Event> {
    let event = match fact {
        Fact::FirstUser { .. } | Fact::Failed { .. } | Fact::Storage { .. } => return None,
        Fact::SignedIn { user, from } => sign_in(&user, &from, SignIn::Granted),
        Fact::SignedOut { user, from } => sign_in(&user, &from, SignIn::Left),
        Fact::SignInRefused { user, from } => sign_in(&user, &from, SignIn::Refused),
        Fact::Guessed { user, from } => sign_in(&user, &from, SignIn::NameSlowed),
        Fact::LockedOut { user, from, address: true, seconds } => {
            sign_in(&user, &from, SignIn::AddressLocked { seconds })
        }
        Fact::LockedOut { user, from, address: false, seconds } => {
            sign_in(&user, &from, SignIn::NameLocked { seconds })
        }
        Fact::UsersChanged { by, command, arguments } => Event::Commanded {
            user: short(&by),
            role: Role::Administrator.word().to_owned(),
            from: "command line".to_owned(),
            command: short(&command),
            arguments: short(&arguments),
            refused: None,
        },
    };
    Some(event)
}

fn sign_in(user: &str, from: &str, outcome: SignIn) -> Event {
    Event::SignIn { user: short(user), from: short(from), outcome }
}

/// Names come from whoever stands before the login: they are cut, and steer no terminal.
fn short(name: &str) -> String {
    in_line(&name[..name.floor_char_boundary(NAME_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_steers_no_terminal_and_has_an_end() {
        let name: String = (0..=0x9f).filter_map(char::from_u32).collect();
        let kept = short(&name);
        assert!(!kept.contains(char::is_control) && kept.starts_with("\\x00"), "{kept:?}");
        assert_eq!(short("ann\n\u{1b}[2J"), "ann\\x0a\\x1b[2J");
        assert_eq!(short(&"\u{20ac}".repeat(100)).len(), 99);
    }
}
