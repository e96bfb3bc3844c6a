//! Calls to the daemon over the one connection to it: each has a number, and answers come in any order.
//!
//! Bounded: [`CALLS`] under way at once, more wait their turn. A call that takes longer than its deadline, or whose
//! visitor has left, is cancelled; its seat is free when the daemon has answered all the same, so that both ends
//! count alike.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mailreeve_api::desk::{ANSWER_BYTES, ASK_BYTES, CALLS, Fact, FromDesk, Start, ToDesk};
use mailreeve_api::registry::patience;
use mailreeve_api::wire::{Answer, Call, Caller, Problem, ProblemKind, VERSION};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// For what is no command: the start, the last word.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines that wait to be written.
const LINES: usize = 2 * CALLS;

/// The way to the daemon. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    lines: mpsc::Sender<Line>,
    under_way: Mutex<UnderWay>,
    seats: Arc<Semaphore>,
}

/// A line to the daemon.
struct Line {
    octets: Vec<u8>,
    /// Tells that it is written.
    written: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct UnderWay {
    last: u64,
    waiting: HashMap<u64, Waiting>,
}

/// A call that the daemon has not answered.
struct Waiting {
    tell: oneshot::Sender<Answer>,
    _seat: OwnedSemaphorePermit,
}

/// Tells when the daemon is gone.
pub(crate) struct Gone(watch::Receiver<bool>);

impl Gone {
    /// Waits for it.
    pub(crate) async fn wait(mut self) {
        // A sender that is dropped says the same.
        let _ = self.0.wait_for(|gone| *gone).await;
    }
}

impl Channel {
    /// Reads what the daemon says first, and takes the connection over.
    ///
    /// # Errors
    /// When the daemon says something else or nothing.
    pub(crate) async fn open(stream: UnixStream) -> Result<(Self, Start, Gone)> {
        let (read, write) = stream.into_split();
        let mut reader = BufReader::new(read);
        let first = tokio::time::timeout(PATIENCE, next(&mut reader)).await;
        let start = match first.context("the daemon said nothing")?? {
            Some(ToDesk::Start(start)) => start,
            Some(ToDesk::Answer { .. }) | None => bail!("the daemon did not begin"),
        };
        let (lines, waiting_lines) = mpsc::channel(LINES);
        let under_way = Mutex::new(UnderWay::default());
        let inner = Arc::new(Inner { lines, under_way, seats: Arc::new(Semaphore::new(CALLS)) });
        let (tell, gone) = watch::channel(false);
        tokio::spawn(write_lines(write, waiting_lines));
        tokio::spawn(read_answers(reader, Arc::clone(&inner), tell));
        Ok((Self { inner }, start, Gone(gone)))
    }

    /// Gives a command for `caller` and waits for its reply.
    ///
    /// # Errors
    /// The daemon's problem with it, or that the daemon does not answer.
    pub(crate) async fn ask(&self, call: &Call, caller: &Caller) -> Result<Value, Problem> {
        let patience = patience(call);
        let call = Call { caller: Some(caller.clone()), ..call.clone() };
        let answer = tokio::time::timeout(patience, self.answer(call)).await.map_err(|_| silent())??;
        if answer.v != VERSION {
            return Err(Problem::internal("the daemon speaks another version of the protocol"));
        }
        match answer.error {
            Some(problem) => Err(problem),
            None => Ok(answer.ok.unwrap_or_default()),
        }
    }

    /// Tells a fact for the record. When the daemon is far behind it is not told.
    pub(crate) fn tell(&self, fact: Fact) {
        if let Ok(line) = line(&FromDesk::Tell(fact)) {
            let _ = self.inner.lines.try_send(line);
        }
    }

    /// Tells a fact and waits until it is written, the daemon gone, or patience at its end; says whether it was
    /// written.
    pub(crate) async fn tell_surely(&self, fact: Fact) -> bool {
        let Ok(mut line) = line(&FromDesk::Tell(fact)) else { return false };
        let (tell, written) = oneshot::channel();
        line.written = Some(tell);
        let told = async { self.inner.lines.send(line).await.is_ok() && written.await.is_ok() };
        tokio::time::timeout(PATIENCE, told).await.unwrap_or(false)
    }

    async fn answer(&self, call: Call) -> Result<Answer, Problem> {
        let seat = Arc::clone(&self.inner.seats).acquire_owned().await.map_err(|_| silent())?;
        let (number, answer) = self.inner.number(seat);
        let mut under_way = Numbered { inner: &self.inner, number, is_asked: false };
        let line = line(&FromDesk::Ask { id: number, call })?;
        self.inner.lines.send(line).await.map_err(|_| silent())?;
        under_way.is_asked = true;
        answer.await.map_err(|_| silent())
    }
}

impl Inner {
    fn number(&self, seat: OwnedSemaphorePermit) -> (u64, oneshot::Receiver<Answer>) {
        let (tell, answer) = oneshot::channel();
        let mut under_way = self.under_way.lock();
        under_way.last += 1;
        let number = under_way.last;
        under_way.waiting.insert(number, Waiting { tell, _seat: seat });
        (number, answer)
    }
}

/// A call of somebody who waits for it.
struct Numbered<'a> {
    inner: &'a Inner,
    number: u64,
    is_asked: bool,
}

impl Drop for Numbered<'_> {
    fn drop(&mut self) {
        let mut under_way = self.inner.under_way.lock();
        if !self.is_asked {
            under_way.waiting.remove(&self.number);
        } else if under_way.waiting.contains_key(&self.number)
            && let Ok(line) = line(&FromDesk::Cancel { id: self.number })
        {
            // When the daemon is far behind it answers in its own time.
            let _ = self.inner.lines.try_send(line);
        }
    }
}

fn line(said: &FromDesk) -> Result<Line, Problem> {
    let mut octets = serde_json::to_vec(said).map_err(|error| Problem::internal(error.to_string()))?;
    if octets.len() >= ASK_BYTES {
        return Err(Problem::new("the request is too long", "send less at once").of(ProblemKind::TooLong));
    }
    octets.push(b'\n');
    Ok(Line { octets, written: None })
}

fn silent() -> Problem {
    Problem::new("the gateway does not answer", "look at its log; mail may still flow")
        .of(ProblemKind::Unavailable)
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Line>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line.octets).await.is_err() {
            return;
        }
        if let Some(written) = line.written {
            // Nobody may be waiting any more.
            let _ = written.send(());
        }
    }
}

async fn read_answers(mut reader: BufReader<OwnedReadHalf>, inner: Arc<Inner>, gone: watch::Sender<bool>) {
    while let Ok(Some(said)) = next(&mut reader).await {
        if let ToDesk::Answer { id, answer } = said
            && let Some(waiting) = inner.under_way.lock().waiting.remove(&id)
        {
            // Whoever asked may have left.
            let _ = waiting.tell.send(answer);
        }
    }
    inner.under_way.lock().waiting.clear();
    inner.seats.close();
    let _ = gone.send(true);
}

/// The next line; `None` at the end.
async fn next(reader: &mut BufReader<OwnedReadHalf>) -> Result<Option<ToDesk>> {
    let mut line = Vec::new();
    let limit = u64::try_from(ANSWER_BYTES).unwrap_or(u64::MAX);
    reader.take(limit).read_until(b'\n', &mut line).await?;
    match line.is_empty() {
        true => Ok(None),
        false => Ok(Some(serde_json::from_slice(&line).context("the daemon was not understood")?)),
    }
}

#[cfg(test)]
mod tests;
