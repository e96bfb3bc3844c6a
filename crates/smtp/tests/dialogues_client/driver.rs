//! The driver of a session under test: does what a dialogue says, and keeps all that the session puts out.

use std::sync::Arc;

use mailreeve_smtp::client::{Output, Session};
use mailreeve_smtp::instant::Instant;

use super::script::{Action, Script};
use super::shown::shown;

/// The moment each dialogue begins.
const START: Instant = Instant::from_secs(1_750_000_000);

/// A session, and what is known of it from outside.
pub(crate) struct Driver {
    pub(crate) session: Session,
    now: Instant,
    /// All outputs, in order.
    pub(crate) outputs: Vec<Output>,
    /// How many of them were shown.
    taken: usize,
    /// The transactions that were handed over.
    pub(crate) handed_over: Vec<u64>,
    /// The transaction whose content is to be written.
    writing: Option<u64>,
    /// The transactions whose content was written with its end.
    pub(crate) written: Vec<u64>,
}

impl Driver {
    pub(crate) fn new(script: &Script) -> Self {
        let session = Session::new(Arc::new(script.settings.clone()), START);
        let mut driver = Self {
            session,
            now: START,
            outputs: Vec::new(),
            taken: 0,
            handed_over: Vec::new(),
            writing: None,
            written: Vec::new(),
        };
        driver.drain();
        driver
    }

    /// Feeds octets of the peer.
    pub(crate) fn receive(&mut self, octets: &[u8]) {
        let used = self.session.receive(octets, self.now);
        assert_eq!(used, octets.len(), "octets were left over");
        self.drain();
    }

    /// Does one action.
    pub(crate) fn act(&mut self, action: &Action) {
        match action {
            Action::Transact(transaction) => {
                self.handed_over.push(transaction.tag);
                self.session.transact(transaction.clone(), self.now);
            }
            Action::ContentWritten => {
                let open = !self.session.closed();
                self.written.extend(self.writing.take().filter(|_| open));
                self.session.content_written(self.now);
            }
            Action::ContentProgress => self.session.content_progress(self.now),
            Action::TlsStarted => self.session.tls_started(self.now),
            Action::TlsFailed(why) => self.session.tls_failed(why.clone(), self.now),
            Action::Quit => self.session.quit(self.now),
            Action::PeerClosed => self.session.peer_closed(self.now),
            Action::Passes(duration) => {
                self.now = self.now + *duration;
                self.session.timeout(self.now);
            }
        }
        self.drain();
    }

    /// Lets the time of the present wait run out; tells whether there was one.
    pub(crate) fn run_out(&mut self) -> bool {
        let Some(deadline) = self.session.deadline() else { return false };
        self.session.timeout(Instant(deadline.0 - 1));
        assert!(!self.session.closed(), "a session gave up before its deadline");
        self.now = deadline;
        self.session.timeout(deadline);
        self.drain();
        true
    }

    /// Returns the outputs since the last call as they stand in a dialogue.
    pub(crate) fn take_shown(&mut self) -> Vec<String> {
        let new = &self.outputs[self.taken..];
        self.taken = self.outputs.len();
        new.iter().flat_map(shown).collect()
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            if let Output::Content { tag, .. } = &output {
                self.writing = Some(*tag);
            }
            self.outputs.push(output);
        }
    }
}
