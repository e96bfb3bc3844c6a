//! A session of the client: connections, one after the other, and the messages on them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::letter::Letter;
use super::line::Line;
use super::manner::{Manner, Offered};
use super::report::Ended;
use super::transaction::{Outcome, Transaction};
use super::{Quota, Shared};
use crate::unverified;

/// Between two tries to connect, and before a refused message is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Errors written down, at most.
const ERROR_LIMIT: usize = 20;

/// Sends until its share is done, it is stopped, or the target is lost.
pub(super) async fn run(shared: Arc<Shared>, number: usize, begin: Instant) {
    let mut session = Session { shared: &shared, number, begin, serial: 0, done: 0, well: Instant::now() };
    loop {
        match session.connection().await {
            Ok(Rest::Nothing) => return,
            Ok(Rest::More) => {}
            Err(error) => {
                session.broke(&error);
                let Some(limit) = shared.load.reconnect else { return session.give_up() };
                if session.well.elapsed() > limit {
                    return session.give_up();
                }
                if !session.pause(PAUSE).await {
                    return;
                }
            }
        }
    }
}

/// Whether there is more to send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    More,
    Nothing,
}

struct Session<'a> {
    shared: &'a Shared,
    number: usize,
    begin: Instant,
    serial: u64,
    done: u64,
    /// When the target last answered.
    well: Instant,
}

impl<'a> Session<'a> {
    /// One connection, from TCP to QUIT.
    async fn connection(&mut self) -> io::Result<Rest> {
        if self.is_done() {
            return Ok(Rest::Nothing);
        }
        let load = &self.shared.load;
        let stream = timeout(load.patience, self.connect()).await??;
        self.shared.report.lock().connections += 1;
        let mut line = Line::new(stream, load.patience);
        expect(line.reply().await?, 220, &line.text)?;
        let offered = greet(&mut line, &load.helo).await?;
        if !(load.starttls && offered.starttls) {
            return self.talk(&mut line, offered).await;
        }
        line.send(&[b"STARTTLS\r\n"]).await?;
        expect(line.reply().await?, 220, &line.text)?;
        let stream = timeout(load.patience, unverified::connect(line.into_stream())).await??;
        let mut line = Line::new(stream, load.patience);
        let offered = greet(&mut line, &load.helo).await?;
        self.talk(&mut line, offered).await
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let load = &self.shared.load;
        let socket = if load.target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(source) = load.sources.get(self.number % load.sources.len().max(1)) {
            socket.bind(SocketAddr::new(*source, 0))?;
        }
        let stream = socket.connect(load.target).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Messages, one after the other.
    async fn talk<S>(&mut self, line: &mut Line<S>, offered: Offered) -> io::Result<Rest>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let load = &self.shared.load;
        let manner = Manner::new(load.flow, load.transfer, offered, self.shared.press.is_8bit());
        // A message that waits for its time must not hold back the one before it.
        let chains = manner.chains() && load.rate.is_none();
        self.well = Instant::now();
        let (mut sent, mut begun) = (0, false);
        let mut next = self.take().await;
        while let Some(letter) = next.take() {
            sent += 1;
            let last = load.per_connection.is_some_and(|limit| sent >= limit);
            if chains && !last {
                next = self.take().await;
            }
            let mut flight = Flight { shared: self.shared, open: false };
            let sending =
                Transaction { line, manner, flight: &mut flight }.send(&letter, begun, next.as_ref()).await;
            begun = next.is_some();
            match sending {
                Ok(outcome) => {
                    flight.close();
                    self.well = Instant::now();
                    self.settle(&letter, outcome, &line.text)
                        .await
                        .inspect_err(|_| self.give_back(u64::from(begun)))?;
                }
                Err(error) => {
                    self.give_back(1 + u64::from(begun));
                    return Err(error);
                }
            }
            if last {
                break;
            }
            if next.is_none() {
                next = self.take().await;
            }
        }
        line.send(&[b"QUIT\r\n"]).await?;
        // Whether or not the goodbye is answered, nothing is open any more.
        let _ = line.reply().await;
        Ok(if self.is_done() { Rest::Nothing } else { Rest::More })
    }

    /// Writes down how a message ended.
    async fn settle(&mut self, letter: &Letter<'_>, outcome: Outcome, reply: &str) -> io::Result<()> {
        let load = &self.shared.load;
        match outcome {
            Outcome::Acked { rcpts, latency_us } => {
                let refused = letter.rcpts.len() - rcpts.len();
                self.shared.acked(letter, rcpts, refused, latency_us, reply);
                Ok(())
            }
            Outcome::Refused(421, text) if load.reconnect.is_some() => {
                self.give_back(1);
                Err(io::Error::other(format!("421 {text}")))
            }
            Outcome::Refused(code, _) if load.persist && (400..500).contains(&code) => {
                self.give_back(1);
                self.pause(PAUSE * 5).await;
                Ok(())
            }
            Outcome::Refused(code, text) => {
                let first = format!("{code} {}", text.lines().next().unwrap_or(""));
                *self.shared.report.lock().refused.entry(first.clone()).or_default() += 1;
                if code == 421 { Err(io::Error::other(first)) } else { Ok(()) }
            }
        }
    }

    fn is_done(&self) -> bool {
        let stopped = self.shared.stopped.load(Ordering::Relaxed);
        stopped
            || match self.shared.load.quota {
                Quota::Total(limit) => self.shared.claimed.load(Ordering::Relaxed) >= limit,
                Quota::PerSession(limit) => self.done >= limit,
                Quota::Endless => false,
            }
    }

    /// The next message of this session's share, when its time has come.
    async fn take(&mut self) -> Option<Letter<'a>> {
        if self.shared.stopped.load(Ordering::Relaxed) || !self.claim() {
            return None;
        }
        if let Some(rate) = self.shared.load.rate.filter(|rate| *rate > 0.0) {
            let slot = self.shared.paced.fetch_add(1, Ordering::Relaxed);
            let due = self.begin + Duration::from_secs_f64(slot as f64 / rate);
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() && !self.pause(wait).await {
                self.give_back(1);
                return None;
            }
        }
        self.serial += 1;
        Some(self.shared.press.letter(self.number, self.serial))
    }

    /// Takes one message off what is to be sent, if there is one.
    fn claim(&mut self) -> bool {
        let claimed = match self.shared.load.quota {
            Quota::Total(limit) => {
                let more = |claimed| (claimed < limit).then_some(claimed + 1);
                self.shared.claimed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
            }
            Quota::PerSession(limit) => self.done < limit,
            Quota::Endless => true,
        };
        self.done += u64::from(claimed);
        claimed
    }

    /// Puts messages back: they were not answered, and are sent again under other numbers.
    fn give_back(&mut self, messages: u64) {
        if let Quota::Total(_) = self.shared.load.quota {
            self.shared.claimed.fetch_sub(messages, Ordering::Relaxed);
        }
        self.done -= messages;
    }

    /// Sleeps, unless the run is stopped. Says whether it is to go on.
    async fn pause(&self, time: Duration) -> bool {
        let stopped = self.shared.stop.notified();
        if self.shared.stopped.load(Ordering::Relaxed) {
            return false;
        }
        timeout(time, stopped).await.is_err()
    }

    fn broke(&self, error: &io::Error) {
        let mut report = self.shared.report.lock();
        report.breaks += 1;
        if report.errors.len() < ERROR_LIMIT {
            report.errors.push(format!("session {}: {error}", self.number));
        }
    }

    fn give_up(&self) {
        self.shared.report.lock().ended = Ended::GaveUp;
    }
}

/// A message whose content is on the way. Dropped while still open, it is one of which nobody knows.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    shared: &'a Shared,
    open: bool,
}

impl Flight<'_> {
    /// Content starts to be sent.
    pub(super) fn open(&mut self) {
        self.open = true;
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// The last reply is there.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.open {
            self.close();
            self.shared.report.lock().uncertain += 1;
        }
    }
}

/// EHLO, or HELO where that is not known.
async fn greet<S>(line: &mut Line<S>, name: &str) -> io::Result<Offered>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    line.send(&[format!("EHLO {name}\r\n").as_bytes()]).await?;
    let code = line.reply().await?;
    if code < 500 {
        expect(code, 250, &line.text)?;
        return Ok(Offered::read(&line.text));
    }
    line.send(&[format!("HELO {name}\r\n").as_bytes()]).await?;
    expect(line.reply().await?, 250, &line.text)?;
    Ok(Offered::default())
}

fn expect(code: u16, wanted: u16, text: &str) -> io::Result<()> {
    if code == wanted { Ok(()) } else { Err(io::Error::other(format!("{code} {text}"))) }
}
