//! The shell commands: what they accept, and how they end.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use clap::{CommandFactory, Parser};
use mailreeve_lab::command::{LabArgs, run};
use mailreeve_lab::host::{Detail, HostPlan, Temper};
use mailreeve_lab::sink::Sink;

#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    lab: LabArgs,
}

fn lab(words: &[&str]) -> anyhow::Result<()> {
    run(Shell::try_parse_from([&["lab"], words].concat())?.lab)
}

#[test]
fn the_command_line_holds_together() {
    Shell::command().debug_assert();
}

#[test]
fn send_sink_and_verify_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (acked, delivered) = (path("acked"), path("delivered"));
    let sink = Sink::to_file(([127, 0, 0, 1], 0).into(), delivered.as_ref()).unwrap();
    let target = sink.address().to_string();
    lab(&[
        "send",
        &target,
        "--sessions",
        "2",
        "--messages",
        "20",
        "--recipients",
        "2",
        "--torture",
        "--bdat",
        "500",
        "--flow",
        "lock-step",
        "--journal",
        &acked,
        "--json",
    ])
    .unwrap();
    lab(&["verify", "--acked", &acked, "--delivered", &delivered, "--max-duplicates", "0"]).unwrap();
    // The same deliveries once more are duplicates; none of them are losses.
    let twice = ["verify", "--acked", &acked, "--delivered", &delivered, &delivered];
    lab(&twice).unwrap();
    assert!(lab(&[&twice[..], &["--max-duplicates", "39"]].concat()).is_err());
    lab(&[&twice[..], &["--max-duplicates", "40"]].concat()).unwrap();
    let nothing = path("nothing");
    std::fs::write(&nothing, "").unwrap();
    let error = lab(&["verify", "--acked", &acked, "--delivered", &nothing]).unwrap_err();
    assert_eq!(error.to_string(), "40 lost, 0 altered");
    assert!(lab(&["verify", "--acked", &path("missing"), "--delivered", &nothing]).is_err());
}

#[test]
fn dialogues_end_in_an_error_when_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("good.txt"), "S: 220\nC: QUIT\nS: 221\n").unwrap();
    std::fs::write(path("good.cmy"), "c tcp_connect a:25\nc <~ 220\n").unwrap();
    std::fs::write(path("bad.txt"), "S: 554\n").unwrap();
    let plan = HostPlan::new(([127, 0, 0, 1], 0).into(), Temper::healthy()).detail(Detail::Sums);
    let sink = Sink::plan(plan).unwrap();
    let target = sink.address().to_string();
    lab(&["dialogue", &target, &path("good.txt"), &path("good.cmy")]).unwrap();
    let error = lab(&["dialogue", &target, &path("good.txt"), &path("bad.txt")]).unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 conversations failed");
}

#[test]
fn a_lost_server_is_an_error() {
    assert!(lab(&["send", "127.0.0.1:1"]).is_err());
}

#[test]
fn flags_are_read_and_mistakes_refused() {
    for good in [
        &[
            "dns",
            "--record",
            "mx.a.test A 127.0.0.9",
            "--ptr",
            "127.0.0.9=mx.a.test",
            "--fail",
            "*.b.test=500ms",
        ][..],
        &[
            "host",
            "--temper",
            "greylisting",
            "--at",
            "rcpt=2x452 4.2.2",
            "--at",
            "banner=554",
            "--tls",
            "expired",
        ],
        &["sink", "--journal", "x"],
        &["world", "x.toml"],
    ] {
        assert!(Shell::try_parse_from([&["lab"], good].concat()).is_ok(), "{good:?}");
    }
    for bad in [
        &["dns", "--fail", "a.test=often"][..],
        &["dns", "--ptr", "mx.a.test"],
        &["host", "--at", "rcpt"],
        &["host", "--at", "lunch=550"],
        &["host", "--at", "rcpt=999"],
        &["host", "--tls", "great"],
        &["send"],
        &["send", "127.0.0.1:25", "--messages", "1", "--endless"],
        &[],
    ] {
        assert!(Shell::try_parse_from([&["lab"], bad].concat()).is_err(), "{bad:?}");
    }
}
