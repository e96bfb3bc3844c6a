//! Traffic under way: a clock that hands letters out, and a connection for each.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Letter, Letters, Plan};
use crate::client::line::Line;
use crate::form::stuffed;

/// What traffic came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Letters taken by the server, at least for somebody.
    pub taken: u64,
    /// Letters refused.
    pub refused: u64,
    /// Letters whose connection was not to be had, or was lost.
    pub lost: u64,
    /// Letters that were never sent because all lines were taken.
    pub dropped: u64,
    /// The last refusal or loss, in words.
    pub last_trouble: Option<String>,
}

/// Traffic that goes on in a thread of its own. Dropping it stops the traffic and waits for its end.
#[derive(Debug)]
pub struct Running {
    tally: Arc<Mutex<Tally>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// What has come of it so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// Sends no more letters; ends those that are on their way, within the patience for one reply.
    #[must_use]
    pub fn stop(mut self) -> Tally {
        self.end();
        self.tally()
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.send_replace(true);
            // A panic of the thread has been printed by itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the traffic of `plan`.
///
/// # Errors
/// When the system gives no thread or no event queue.
pub fn start(plan: Plan) -> io::Result<Running> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (stop, stopped) = watch::channel(false);
    let books = tally.clone();
    let thread = std::thread::Builder::new()
        .name("lab-traffic".to_owned())
        .spawn(move || runtime.block_on(flow(plan, books, stopped)))?;
    Ok(Running { tally, stop, thread: Some(thread) })
}

/// Hands each letter out when it is due.
async fn flow(plan: Plan, tally: Arc<Mutex<Tally>>, mut stopped: watch::Receiver<bool>) {
    let begin = Instant::now();
    let lines = Arc::new(Semaphore::new(plan.lines.max(1)));
    let (patience, plan) = (plan.patience, Arc::new(plan));
    let mut under_way = JoinSet::new();
    for letter in Letters::new(plan.as_ref().clone()) {
        tokio::select! {
            () = sleep_until(begin + letter.at) => {}
            // Also when nobody is left who could stop it.
            _ = stopped.changed() => break,
        }
        while under_way.try_join_next().is_some() {}
        let Ok(line) = lines.clone().try_acquire_owned() else {
            tally.lock().dropped += 1;
            continue;
        };
        let (plan, tally) = (plan.clone(), tally.clone());
        under_way.spawn(async move {
            let end = send(&plan, &letter).await;
            drop(line);
            note(&mut tally.lock(), end);
        });
    }
    let _ = timeout(patience, async { while under_way.join_next().await.is_some() {} }).await;
}

fn note(tally: &mut Tally, end: io::Result<Option<String>>) {
    match end {
        Ok(None) => tally.taken += 1,
        Ok(Some(refusal)) => {
            tally.refused += 1;
            tally.last_trouble = Some(refusal);
        }
        Err(error) => {
            tally.lost += 1;
            tally.last_trouble = Some(error.to_string());
        }
    }
}

/// Sends one letter over a connection of its own; the refusal, if it is refused.
async fn send(plan: &Plan, letter: &Letter) -> io::Result<Option<String>> {
    let Some(origin) = plan.origins.get(letter.origin) else { return Ok(None) };
    let stream = timeout(plan.patience, connect(plan.target, origin.address)).await??;
    let mut talk = Talk { line: Line::new(stream, plan.patience) };
    if let Some(refusal) = talk.expect(b"", 220).await? {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = talk.expect(format!("EHLO {}\r\n", origin.helo).as_bytes(), 250).await? {
        return Ok(Some(refusal));
    }
    let eight_bit = talk.line.text.lines().any(|line| line.eq_ignore_ascii_case("8BITMIME"));
    let body = if eight_bit { " BODY=8BITMIME" } else { "" };
    if let Some(refusal) =
        talk.expect(format!("MAIL FROM:<{}>{body}\r\n", letter.mail).as_bytes(), 250).await?
    {
        return Ok(Some(refusal));
    }
    let (mut taken, mut last) = (0, None);
    for rcpt in &letter.rcpts {
        match talk.expect(format!("RCPT TO:<{rcpt}>\r\n").as_bytes(), 250).await? {
            None => taken += 1,
            refusal => last = refusal,
        }
    }
    if taken == 0 {
        return Ok(last);
    }
    if let Some(refusal) = talk.expect(b"DATA\r\n", 354).await? {
        return Ok(Some(refusal));
    }
    talk.line.send(&[&stuffed(&letter.content)]).await?;
    let refusal = talk.expect(b".\r\n", 250).await?;
    if refusal.is_none() {
        // It is taken, whatever comes of the goodbye.
        let _ = talk.expect(b"QUIT\r\n", 221).await;
    }
    Ok(refusal)
}

async fn connect(target: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    let stream = socket.connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A conversation in lock step.
struct Talk {
    line: Line<TcpStream>,
}

impl Talk {
    /// Says something and reads the reply; the reply, if it has another code.
    async fn expect(&mut self, command: &[u8], wanted: u16) -> io::Result<Option<String>> {
        self.line.send(&[command]).await?;
        let code = self.line.reply().await?;
        Ok((code != wanted).then(|| format!("{code} {}", self.line.text)))
    }
}
