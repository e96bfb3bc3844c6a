//! The player, against a host of the lab.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::Path;
use std::time::Duration;

use mailreeve_lab::dialogue::{Closeness, Dialogue, Stage, play};
use mailreeve_lab::host::{Act, Detail, HostPlan, Offers, Reply, Temper, TlsTemper};
use mailreeve_lab::sink::Sink;

fn sink(temper: Temper) -> Sink {
    let detail = Detail::Records { memory: true, content: true, file: None };
    Sink::plan(HostPlan::new(([127, 0, 0, 1], 0).into(), temper).name("mx.test").detail(detail)).unwrap()
}

fn stage(sink: &Sink) -> Stage {
    Stage { patience: Duration::from_secs(5), ..Stage::new(sink.address()) }
}

#[test]
fn a_conversation_is_played_as_written() {
    let sink = sink(Temper::healthy());
    let text = "\
# All marks of the language.
S: 220 mx.test
C: EHLO me.test
S: 250 PIPELINING
~ 250[- ]SIZE \\d+$
+ 50ms
C: MAIL FROM:<a@b.test>
S: 250
C: RCPT TO:<c@d.test>
S: 250 2.1.5
C: DATA
S: 354
C~ ('x' * 10 + '\\r\\n') * 3
C: .
S: 250
! close
! connect
S: 220
C: QUIT
S: 221
! closed
";
    let transcript = play(&Dialogue::parse(text).unwrap(), &stage(&sink)).unwrap();
    assert!(transcript.contains(&"client > EHLO me.test\\r\\n".to_owned()), "{transcript:?}");
    assert_eq!(sink.deliveries()[0].content.as_deref(), Some("xxxxxxxxxx\r\n".repeat(3).as_bytes()));
}

#[test]
fn tls_is_spoken() {
    let sink = sink(Temper::healthy().tls(TlsTemper::SelfSigned));
    let text = "S: 220\nC: EHLO x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220\n! starttls\nC: EHLO x\nS: 250\n~ 250[- ]DSN\n";
    play(&Dialogue::parse(text).unwrap(), &stage(&sink)).unwrap();
    let implicit = self::sink(Temper { implicit_tls: true, ..Temper::healthy() });
    play(&Dialogue::parse_cmy("c tls_connect x:465\nc <~ 220\n").unwrap(), &stage(&implicit)).unwrap();
}

#[test]
fn what_does_not_fit_fails_with_its_line_and_what_was_said() {
    let sink = sink(Temper::healthy());
    let impatient = Stage { patience: Duration::from_millis(300), ..stage(&sink) };
    for (text, line, part) in [
        ("S: 221\n", 1, "expected `221 `"),
        ("S: 220 other.test\n", 1, "expected `220 other.test`"),
        ("S: 220\nC: EHLO x\nS: 250\n~ 250 XLAB\n", 4, "no line of the reply"),
        ("S: 220\n\nC: QUIT\n+ 5s\n", 4, "expected silence"),
        ("S: 220\n! closed\n", 2, "still open"),
        ("S: 220\nS: 220\n", 2, "nothing within"),
        ("S: 220\nC: QUIT\nS: 221\nS: 250\n", 4, "the peer closed"),
        ("! close\nC: QUIT\n", 2, "not connected"),
    ] {
        let failure = play(&Dialogue::parse(text).unwrap(), &impatient).unwrap_err();
        assert_eq!(failure.line, line, "{text} {failure}");
        assert!(failure.what.contains(part), "{text} {failure}");
        assert!(failure.to_string().contains("client connects to"), "{failure}");
    }
    let gone = Stage { target: ([127, 0, 0, 1], 1).into(), ..stage(&sink) };
    assert_eq!(play(&Dialogue::parse("").unwrap(), &gone).unwrap_err().line, 0);
}

#[test]
fn mistakes_in_a_file_are_shown_with_their_line() {
    for (text, line) in [("X: y", 1), ("\nS: abc", 2), ("~ (", 1), ("+ 5", 1), ("! jump", 1), ("C~ 'a", 1)] {
        assert_eq!(Dialogue::parse(text).unwrap_err().line, line, "{text}");
    }
    for text in ["c", "c jump", "c <~ [", "c ~> 3"] {
        assert_eq!(Dialogue::parse_cmy(text).unwrap_err().line, 1, "{text}");
    }
}

#[test]
fn both_closenesses_of_cmy() {
    let sink = sink(
        Temper::healthy().at(mailreeve_lab::host::Stage::Mail, Act::Reply(Reply::new(550).text("one\ntwo"))),
    );
    let text = "c tcp_connect any:25\nc <~ 220 mx\\.test .*\nc -> EHLO x\nc <... 250 SIZE 67108864\nc -> MAIL FROM:<>\nc <- 550-one\nc <- 550 two\nc close\n";
    let texts = Stage { closeness: Closeness::Texts, ..stage(&sink) };
    play(&Dialogue::parse_cmy(text).unwrap(), &texts).unwrap();
    let codes = text.replace("c <- 550 two\n", "").replace("550-one", "550 something else");
    play(&Dialogue::parse_cmy(&codes).unwrap(), &stage(&sink)).unwrap();
    assert!(play(&Dialogue::parse_cmy(&codes).unwrap(), &texts).is_err());
}

#[test]
fn two_clients_talk_at_a_time_to_where_they_were_sent() {
    let (one, two) = (sink(Temper::healthy()), sink(Temper::healthy().offers(Offers::bare())));
    let mut stage = stage(&one);
    stage.named.insert("two:25".to_owned(), two.address());
    let text = "a tcp_connect one:25\nb tcp_connect two:25\nb <~ 220\na <~ 220\nb -> EHLO b\na -> EHLO a\na <~ 250\nb <~ 250\n";
    play(&Dialogue::parse_cmy(text).unwrap(), &stage).unwrap();
    assert_eq!((one.connections(), two.connections()), (1, 1));
}

/// The borrowed conversations are written for another server; here only their language is put to the test,
/// and those that any server plays alike.
#[test]
fn borrowed_conversations_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/testdata/smtp-dialogs/chasquid");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("not run: {} is not here", folder.display());
        return;
    };
    let mut read = 0;
    for file in files {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "cmy") {
            continue;
        }
        let dialogue = Dialogue::parse_cmy(&std::fs::read_to_string(&path).unwrap());
        let dialogue = dialogue.unwrap_or_else(|error| unreachable!("{}: {error}", path.display()));
        read += 1;
        if ["helo", "empty_helo"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)) {
            play(&dialogue, &stage(&sink(Temper::healthy()))).unwrap();
        }
    }
    assert!(read >= 17, "{read} conversations");
}
