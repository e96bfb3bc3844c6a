use super::*;

/// A conversation as one text: instants in seconds, what is not kept in brackets.
fn shown(stretch: &Stretch) -> String {
    let line = |step: Step| {
        let at = (stretch.from_us + step.after_us) / 1_000_000;
        match step.what {
            What::Heard(text) => format!("{at} < {text:?}"),
            What::Said(text) => format!("{at} > {text:?}"),
            What::HeardContent(octets) => format!("{at} < [{octets} of content]"),
            What::SaidContent(octets) => format!("{at} > [{octets} of content]"),
            What::HeardHidden(octets) => format!("{at} < [{octets}]"),
            What::SaidHidden(octets) => format!("{at} > [{octets}]"),
            What::Note(text) => format!("{at} - {text}"),
        }
    };
    steps(&stretch.octets).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn at(second: u64) -> Instant {
    Instant::from_secs(second)
}

#[test]
fn content_is_counted_and_nothing_of_it_is_kept() {
    let mut server = Transcript::new(4_096, at(0));
    server.said_replies(b"220 gw.test\r\n", at(0));
    server.heard_line(b"DATA\r\n", Heard::Command, at(1));
    server.said_replies(b"354 go\r\n", at(1));
    server.heard_content(100, at(2));
    server.heard_content(20, at(3));
    server.said_replies(b"250 taken\r\n", at(4));
    let stretch = server.take();
    assert!(!stretch.failed && server.is_empty());
    assert_eq!(
        shown(&stretch),
        "0 > \"220 gw.test\\r\\n\"\n1 < \"DATA\\r\\n\"\n1 > \"354 go\\r\\n\"\n2 < [120 of content]\n4 > \"250 taken\\r\\n\"",
    );
    server.said_replies(b"421 gone\r\n", at(9));
    let next = server.take();
    assert!(next.failed);
    assert_eq!(shown(&next), "9 > \"421 gone\\r\\n\"");
}

#[test]
fn what_is_no_command_is_not_kept() {
    let mut server = Transcript::new(4_096, at(0));
    server.heard_line(b"EHLO peer.test\r\n", Heard::Command, at(0));
    server.heard_line(b"MAIL TO:<x>\r\n", Heard::Malformed, at(0));
    server.heard_line(b"noop secret\r\n", Heard::FreeText, at(0));
    server.heard_line(b"DATA\r\n", Heard::Command, at(0));
    server.said_replies(b"554 no\r\n", at(0));
    server.heard_line(b"Subject: secret\r\n", Heard::Other, at(0));
    server.heard_line(b"Mail the secret\r\n", Heard::Malformed, at(0));
    let stretch = server.take();
    assert!(stretch.failed);
    let text = shown(&stretch);
    assert!(!text.contains("secret"), "{text}");
    for kept in ["EHLO peer.test", "MAIL TO:<x>", "\"noop\"", "[17]", "\"Mail\""] {
        assert!(text.contains(kept), "{kept} is not in\n{text}");
    }
}

#[test]
fn credentials_of_a_peer_are_not_kept_in_any_form() {
    for line in [
        "AUTH PLAIN AHNlY3JldA==",
        "auth\tsecret",
        "AUTH secret",
        "Auth LOGIN secret",
        "AUTH  XOAUTH2  secret",
    ] {
        let mut server = Transcript::new(4_096, at(0));
        server.heard_line(format!("{line}\r\n").as_bytes(), Heard::Other, at(0));
        server.heard_line(b"c2VjcmV0\r\n", Heard::Other, at(0));
        server.heard_line(b"HELO secret\r\n", Heard::Malformed, at(0));
        let text = shown(&server.take());
        assert!(!text.contains("secret") && !text.contains("AHNl") && !text.contains("c2Vj"), "{text}");
        assert!(text.to_ascii_uppercase().contains("AUTH"), "{text}");
    }
}

#[test]
fn credentials_of_ours_are_not_kept_whatever_the_pieces() {
    let replies: &[&[u8]] =
        &[b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"535 5.7.8 bad credentials\r\n"];
    for cut in 1..8 {
        let mut client = Transcript::new(4_096, at(0));
        client.heard_replies(b"250 AUTH LOGIN PLAIN\r\n", at(0));
        let said: &[&[u8]] = &[b"AUTH LOGIN\r\n", b"dXNlcg==\r\n", b"cGFzcw==\r\n"];
        for (said, heard) in said.iter().zip(replies) {
            client.said_commands(said, at(1));
            heard.chunks(cut).for_each(|piece| client.heard_replies(piece, at(1)));
        }
        client.said_commands(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n", at(2));
        let stretch = client.take();
        let text = shown(&stretch);
        assert!(
            stretch.failed && !text.contains("dXNl") && !text.contains("cGFz") && !text.contains("VXNl"),
            "{text}"
        );
        assert!(text.contains("AUTH LOGIN") && text.contains("535 5.7.8 bad credentials"), "{text}");
        assert!(text.contains("RCPT TO:<b@b.test>"), "{text}");
    }
    let mut client = Transcript::new(4_096, at(0));
    client.said_commands(b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n", at(0));
    client.heard_replies(b"235 2.7.0 welcome\r\n", at(0));
    client.said_commands(b"MAIL FROM:<a@a.test>\r\n", at(0));
    let stretch = client.take();
    assert!(!stretch.failed);
    let wanted =
        "0 > \"AUTH PLAIN\"\n0 > [19]\n0 < \"235 2.7.0 welcome\\r\\n\"\n0 > \"MAIL FROM:<a@a.test>\\r\\n\"";
    assert_eq!(shown(&stretch), wanted);
}

#[test]
fn memory_is_bounded_and_what_does_not_fit_is_counted() {
    let mut server = Transcript::new(1_000, at(0));
    for _ in 0..1_000 {
        server.heard_line(b"NOOP\r\n", Heard::Command, at(0));
        server.heard_content(5, at(0));
    }
    assert!(server.is_full());
    let stretch = server.take();
    assert!(stretch.octets.len() <= 1_000 && stretch.unkept > 4_000);
    assert!(!server.is_full());
}

#[test]
fn octets_that_are_no_stretch_are_read_without_harm() {
    let mut server = Transcript::new(1_000, at(0));
    server.said_replies(b"220 gw.test\r\n", at(3));
    server.note("TLS", at(4));
    let octets = server.take().octets;
    for cut in 0..octets.len() {
        assert!(steps(&octets[..cut]).len() <= 2);
    }
    for place in 0..octets.len() {
        let mut bad = octets.clone();
        bad[place] ^= 0xff;
        steps(&bad);
    }
    assert!(steps(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_empty());
}
