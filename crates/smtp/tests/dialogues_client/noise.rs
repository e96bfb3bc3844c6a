//! Peers that say anything, and a driver that calls anything at any time.

use super::driver::Driver;
use super::laws;
use super::player::Random;
use super::script::{Action, Script, transaction};

/// Pieces of conversation, from the likely to the absurd.
const PIECES: &[&[u8]] = &[
    b"220 mx.test\r\n",
    b"220 ready\r\n",
    b"250-mx.test\r\n250-PIPELINING\r\n250-SIZE 2000\r\n250 DSN\r\n",
    b"250-mx.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
    b"250-mx.test\r\n250 STARTTLS\r\n",
    b"250-mx.test\r\n250 AUTH PLAIN LOGIN\r\n",
    b"250 2.1.0 ok\r\n",
    b"250 ok\r\n",
    b"250 ok\r\n",
    b"250 2.0.0 queued\r\n",
    b"354 go\r\n",
    b"354 go\r\n",
    b"334 UGFzc3dvcmQ6\r\n",
    b"235 in\r\n",
    b"450 4.2.1 later\r\n",
    b"550 5.1.1 nobody\r\n",
    b"554 no\r\n",
    b"421 4.3.2 closing\r\n",
    b"250-",
    b"25",
    b"\r\n",
    b"\n",
    b" ",
    b"\0\xff\r\n",
    b"999 x\r\n",
];

const SETTINGS: &[&str] = &[
    "",
    "* set tls never",
    "* set tls required",
    "* set implicit_tls",
    "* set auth joe secret\n* set allow_clear",
    "* set auth joe secret",
];

fn random_action(random: &mut Random, tag: u64) -> Action {
    let recipients = " <r@c.test>".repeat(random.below(4));
    let size = if random.below(4) == 0 { 100_000 } else { 500 };
    match random.below(12) {
        0..4 => Action::Transact(transaction(&format!("{tag} <a@b.test>{recipients} size={size}")).unwrap()),
        4..7 => Action::ContentWritten,
        7 => Action::TlsStarted,
        8 => Action::TlsFailed("no".to_owned()),
        9 => Action::ContentProgress,
        10 => Action::Passes(std::time::Duration::from_secs(random.below(400) as u64)),
        _ if random.below(10) == 0 => Action::Quit,
        _ => Action::ContentWritten,
    }
}

/// A driver of some sense: it does what it was asked for more often than anything else.
fn random_step(driver: &mut Driver, random: &mut Random, tag: u64) {
    let octets = PIECES[random.below(PIECES.len())];
    match random.below(40) {
        // Long conversations come about only while nothing absurd is said.
        0..24 => driver.receive(PIECES[random.below(17)]),
        24 => driver.receive(octets),
        25 => driver.receive(&octets[..random.below(octets.len())]),
        26 => driver.receive(&[random.below(256) as u8]),
        27 if random.below(20) == 0 => driver.act(&Action::PeerClosed),
        _ => driver.act(&random_action(random, tag)),
    }
}

#[test]
fn nonsense_breaks_no_promise() {
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..6000 {
        let mut random = Random(seed);
        let script = Script::parse("noise", SETTINGS[random.below(SETTINGS.len())]);
        let mut driver = Driver::new(&script);
        // A greeting and something offered, so that most conversations come to transactions.
        driver.receive(PIECES[if random.below(20) == 0 { 15 } else { 0 }]);
        driver.receive(PIECES[if random.below(20) == 0 { 14 } else { 2 + random.below(4) }]);
        for step in 0..60 {
            let before = driver.outputs.len();
            random_step(&mut driver, &mut random, step);
            let caused = driver.outputs.len() - before;
            assert!(caused <= 64, "seed {seed}: {caused} outputs at once");
            if driver.session.closed() {
                break;
            }
        }
        driver.act(&Action::PeerClosed);
        // A closed session takes anything, and says no more; what is handed over is given back.
        driver.receive(b"250 ok\r\n");
        if let Err(why) = laws::hold(&driver) {
            panic!("seed {seed}: {why}: {:#?}", driver.outputs);
        }
        reached.extend(driver.outputs.iter().map(kind));
    }
    let all = [
        "accepted",
        "auth",
        "content",
        "done",
        "greeting",
        "hello",
        "lost",
        "mail",
        "other",
        "ready",
        "recipient",
        "starttls",
        "tls",
    ];
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), all, "the noise does not reach far enough");
}

fn kind(output: &mailreeve_smtp::client::Output) -> &'static str {
    use mailreeve_smtp::client::{Final, Output};

    match output {
        Output::Done { result: Final::Accepted(_), .. } => "accepted",
        Output::Done { .. } => "done",
        Output::Content { .. } => "content",
        Output::StartTls => "starttls",
        Output::Ready => "ready",
        Output::GreetingRejected(_) => "greeting",
        Output::HelloRejected(_) => "hello",
        Output::TlsUnavailable(_) => "tls",
        Output::AuthFailed(_) => "auth",
        Output::Recipient { .. } => "recipient",
        Output::MailRejected { .. } => "mail",
        Output::Lost { .. } => "lost",
        Output::Write(_) | Output::Closed => "other",
    }
}

#[test]
fn a_closed_session_gives_a_transaction_back() {
    let mut driver = Driver::new(&Script::parse("closed", ""));
    driver.act(&Action::PeerClosed);
    let outputs = driver.outputs.len();
    driver.act(&Action::Transact(transaction("7 <a@b.test> <c@d.test>").unwrap()));
    let shown: Vec<String> = driver.outputs[outputs..].iter().flat_map(super::shown::shown).collect();
    assert_eq!(shown, ["? lost 7 mail: the peer closed the connection"]);
}
