//! What a session allocates, counted: nothing for a command that carries nothing, little for an address, one
//! copy for a message, and never by what a peer only announces.
//!
//! One test, because the counters are the process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mailreeve_smtp::instant::Instant;
use mailreeve_smtp::server::{DataVerdict, Greeting, Message, Question, Session, Settings, Verdict};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged; the counters are atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Returns the calls to the allocator that `work` made, and by how many octets what was held grew at most.
fn counted(work: impl FnOnce()) -> (usize, usize) {
    let (calls, held) = (CALLS.load(Relaxed), HELD.load(Relaxed));
    PEAK.store(held, Relaxed);
    work();
    (CALLS.load(Relaxed) - calls, PEAK.load(Relaxed) - held)
}

const NOW: Instant = Instant(0);

fn session(change: impl FnOnce(&mut Settings)) -> Session {
    let mut settings = Settings::new("gw.example.com");
    settings.limits.idle_commands = usize::MAX;
    change(&mut settings);
    let mut session = Session::new(Arc::new(settings), NOW);
    session.greet(Greeting::Accept, NOW);
    take(&mut session, b"HELO client.example\r\n");
    session.output().reserve(4096);
    session
}

/// Feeds input, says yes to everything, drains the output; returns the last message.
fn take(session: &mut Session, mut input: &[u8]) -> Option<Message> {
    let mut last = None;
    loop {
        input = &input[session.receive(input, NOW)..];
        session.output().clear();
        while session.notices().is_some() {}
        match session.question() {
            Some(Question::Mail { .. }) => session.answer_mail(Verdict::Accept, NOW),
            Some(Question::Recipient { .. }) => session.answer_recipient(Verdict::Accept, NOW),
            Some(Question::Data) => session.answer_data(DataVerdict::Go { prefix: Vec::new() }, NOW),
            Some(Question::Spill(_)) => session.answer_spill(NOW),
            Some(Question::Message(message)) => {
                last = Some(message);
                session.answer_message(Verdict::Accept, NOW);
            }
            Some(Question::StartTls) => panic!("nobody said STARTTLS"),
            None if input.is_empty() => return last,
            None => {}
        }
    }
}

#[test]
fn memory_is_what_is_promised() {
    commands_allocate_nothing();
    an_address_is_two_strings();
    a_message_is_copied_once();
    announcements_cost_nothing();
    floods_are_not_kept();
}

fn commands_allocate_nothing() {
    let mut session = session(|_| {});
    let group = b"NOOP\r\nRSET\r\nVRFY x\r\nDATA now\r\n";
    take(&mut session, group);
    let (calls, _) = counted(|| {
        for _ in 0..4 {
            take(&mut session, group);
        }
    });
    assert_eq!(calls, 0);
}

fn an_address_is_two_strings() {
    let mut session = session(|_| {});
    take(&mut session, b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n");
    let (calls, _) = counted(|| {
        for _ in 0..100 {
            take(&mut session, b"RCPT TO:<somebody@b.example>\r\n");
        }
    });
    assert_eq!(calls, 200, "the address as written, and its domain");
}

fn a_message_is_copied_once() {
    let mut session = session(|_| {});
    let line = [&[b'x'; 70][..], b"\r\n"].concat();
    let mail =
        [&b"MAIL FROM:<> SIZE=60000\r\nRCPT TO:<b@b.example>\r\nDATA\r\n"[..], &line.repeat(800), b".\r\n"]
            .concat();
    let mut message = None;
    let (calls, peak) = counted(|| message = take(&mut session, &mail));
    let kept = message.unwrap().tail;
    assert_eq!(kept.len(), 800 * 72);
    assert_eq!(calls, 4, "a recipient is two, what is known of the content one, the content one");
    assert!(peak < kept.len() * 11 / 10, "{peak} octets at once for {}", kept.len());
}

fn announcements_cost_nothing() {
    let mut session = session(|settings| settings.limits.message_bytes = u64::MAX);
    let (_, peak) = counted(|| {
        take(&mut session, b"MAIL FROM:<> SIZE=18446744073709551615\r\nRCPT TO:<b@b.example>\r\n");
        take(&mut session, b"BDAT 4294967295 LAST\r\nthree");
    });
    assert!(peak < (64 << 10) + 1024, "{peak} octets for a message that is not there");
    let (_, peak) = counted(|| {
        take(&mut session, &[b'x'; 1 << 16]);
    });
    assert!(peak <= 1 << 18, "{peak} octets for 64 KiB");
}

fn floods_are_not_kept() {
    let mut endless = session(|_| {});
    let (_, peak) = counted(|| {
        for _ in 0..1000 {
            take(&mut endless, &[b'x'; 1000]);
        }
    });
    assert!(peak < 8 << 10, "{peak} octets kept of an endless line");

    let mut too_big = session(|settings| settings.limits.message_bytes = 10_000);
    take(&mut too_big, b"MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n");
    let (_, peak) = counted(|| {
        for _ in 0..1000 {
            take(&mut too_big, &[&[b'x'; 998][..], b"\r\n"].concat());
        }
    });
    assert!(peak < 40_000, "{peak} octets kept of a message of which 10,000 are allowed");

    let mut long_line = session(|_| {});
    take(&mut long_line, b"MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n");
    let (_, peak) = counted(|| {
        for _ in 0..4000 {
            take(&mut long_line, &[b'x'; 1000]);
        }
    });
    assert!(peak < 4 * (64 << 10), "{peak} octets kept of an endless line of content");
}
