//! What comes in at the SMTP port and is no mail, or only half of one: the peer is told or cut off, nothing is
//! queued, and the next client is served as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mailreeve_lab::sink::Sink;
use world::places::{alerts, all_to, sink};
use world::{Gateway, PATIENCE, Talk, wait_until};

struct Setting {
    gateway: Gateway,
    sink: Sink,
}

impl Setting {
    fn start(more: &str) -> Self {
        let sink = sink();
        let gateway = Gateway::start(&format!("{}{more}", all_to(sink.address())));
        Self { gateway, sink }
    }

    /// Mail still flows, exactly one message of it has ever arrived, and nobody was alarmed.
    fn is_well(&self) {
        let mut talk = Talk::with(self.gateway.smtp);
        talk.say("EHLO client.test");
        let reply = talk.send_mail("a@sender.test", &["b@example.com"], "Subject: after it\r\n\r\nhello");
        assert!(reply.starts_with("250 "), "{reply}");
        assert!(talk.say("QUIT").starts_with("221"));
        assert!(self.sink.wait_for(1, PATIENCE));
        wait_until("the queue is empty", || self.gateway.active() == 0);
        let status = self.gateway.json("status");
        assert_eq!(status["lifetime"]["inj_msgs"], 1, "{status:#}");
        assert_eq!(self.sink.sums().messages, 1, "{:?}", self.sink.deliveries());
        assert_eq!(alerts(&self.gateway), Vec::<String>::new());
        wait_until("all connections are closed", || {
            self.gateway.json("status")["gauges"]["conn_in"].as_u64() == Some(0)
        });
    }
}

/// Sends octets and returns everything that comes back until the peer closes, or until it has nothing to say
/// to our end of sending.
fn throw(at: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The gateway may close before all is sent: that is an answer, too.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return answer,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(error) => {
                assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "still open after {PATIENCE:?}");
                return answer;
            }
        }
    }
}

/// Octets of chance, the same in each run.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(count)
    .collect()
}

/// The codes of the replies in `answer`; continuation lines are left out.
fn codes(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    text.split("\r\n").filter(last).map(|line| line[..3].to_owned()).collect()
}

#[test]
fn noise_is_answered_or_cut_off_and_never_queued() {
    let setting = Setting::start("");
    for seed in 1..=100 {
        let answer = throw(setting.gateway.smtp, &noise(seed, 1 + (seed as usize * 997) % 40_000));
        let codes = codes(&answer);
        assert!(codes.iter().skip(1).all(|code| code.starts_with(['4', '5'])), "seed {seed}: {codes:?}");
    }
    // Noise in lines: the limit of errors ends it.
    let lines: Vec<u8> = (0..200).flat_map(|_| b"\x80\x81 what\r\n".to_vec()).collect();
    let codes = codes(&throw(setting.gateway.smtp, &lines));
    assert!(codes.len() < 30, "{codes:?}");
    assert!(codes.last().is_some_and(|code| code.starts_with('4') || code.starts_with('5')), "{codes:?}");
    setting.is_well();
}

#[test]
fn other_protocols_are_turned_away_at_once() {
    let setting = Setting::start("");
    let hello = {
        // A TLS 1.2 record with a client hello of 508 octets of chance.
        let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
        hello.extend(noise(7, 506));
        hello
    };
    let smuggled = "MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n\r\nspam\r\n.\r\n";
    for (name, octets) in [
        ("TLS", hello),
        ("GET", b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n".to_vec()),
        ("POST", format!("POST / HTTP/1.1\r\nHost: gw.test\r\n\r\nEHLO a\r\n{smuggled}").into_bytes()),
        ("a proxy", format!("CONNECT gw.test:25 HTTP/1.1\r\n\r\nHELO a\r\n{smuggled}").into_bytes()),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ("a PROXY header", format!("PROXY TCP4 10.0.0.1 10.0.0.2 1 25\r\n{smuggled}").into_bytes()),
    ] {
        let codes = codes(&throw(setting.gateway.smtp, &octets));
        assert!(codes.iter().skip(1).all(|code| code.starts_with('5')), "{name}: {codes:?}");
    }
    setting.is_well();
}

#[test]
fn a_line_without_an_end_costs_no_memory() {
    let setting = Setting::start("");
    let before = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    for octet in [b'a', 0, b' '] {
        let answer = throw(setting.gateway.smtp, &vec![octet; 32 << 20]);
        assert!(codes(&answer).iter().skip(1).all(|code| code.starts_with('5')));
    }
    let after = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    assert!(after < before + (16 << 10), "{before} KiB grew to {after} KiB");
    setting.is_well();
}

#[test]
fn whoever_leaves_in_the_middle_leaves_nothing_behind() {
    let setting = Setting::start("");
    let envelope = "EHLO a\r\nMAIL FROM:<a@sender.test>\r\nRCPT TO:<b@example.com>\r\n";
    let long = "x".repeat(70_000);
    for (name, said) in [
        ("after MAIL", "EHLO a\r\nMAIL FROM:<a@sender.test>\r\n".to_owned()),
        ("after RCPT", envelope.to_owned()),
        ("after DATA", format!("{envelope}DATA\r\n")),
        ("in the header", format!("{envelope}DATA\r\nSubject: ha")),
        ("before the dot", format!("{envelope}DATA\r\nSubject: half\r\n\r\nhalf a message\r\n")),
        ("in the dot", format!("{envelope}DATA\r\nSubject: half\r\n\r\nhalf a message\r\n.\r")),
        ("in a long one", format!("{envelope}DATA\r\nSubject: half\r\n\r\n{long}\r\n{long}\r\n")),
        ("in a chunk", format!("{envelope}BDAT 5000\r\nSubject: half\r\n\r\nhalf")),
        ("between chunks", format!("{envelope}BDAT 17\r\nSubject: half\r\n\r\n")),
    ] {
        let answer = throw(setting.gateway.smtp, said.as_bytes());
        let codes = codes(&answer);
        assert!(codes.iter().all(|code| !code.starts_with('5')), "{name}: {codes:?}");
    }
    // And with a reset instead of an end.
    for _ in 0..20 {
        let mut talk = Talk::with(setting.gateway.smtp);
        talk.say("EHLO client.test");
        talk.say("MAIL FROM:<a@sender.test>");
        talk.say("RCPT TO:<b@example.com>");
        talk.say("DATA");
        talk.send(b"Subject: half\r\n\r\nhalf");
        drop(talk);
    }
    setting.is_well();
    let log = setting.gateway.log();
    assert!(log.contains("Receiving Failed: Connection lost after"), "{log}");
}

#[test]
fn a_client_that_says_nothing_is_let_go_in_time() {
    let setting = Setting::start("[timeouts]\ncommand = \"1s\"\n");
    let mut quiet = TcpStream::connect(setting.gateway.smtp).unwrap();
    quiet.set_read_timeout(Some(PATIENCE)).unwrap();
    let started = Instant::now();
    let mut said = String::new();
    quiet.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("220 ") && said.contains("\r\n421 "), "{said}");
    assert!(started.elapsed() >= Duration::from_millis(900));
    setting.is_well();
}

#[test]
fn a_client_that_dribbles_is_let_go_in_time() {
    // Each pause is short enough, all of them together are not.
    let setting = Setting::start("[timeouts]\ncommand = \"1s\"\nsession = \"2s\"\n");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    talk.say("MAIL FROM:<a@sender.test>");
    talk.say("RCPT TO:<b@example.com>");
    assert!(talk.say("DATA").starts_with("354"));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut sent = 0;
    while talk.try_send(b"x") {
        sent += 1;
        assert!(Instant::now() < deadline, "{sent} octets in 20 s were taken");
        std::thread::sleep(Duration::from_millis(50));
    }
    setting.is_well();
}
