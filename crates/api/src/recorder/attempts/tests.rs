//! What `attempts` looks like.

use super::*;

fn expired() -> CertificateLine {
    CertificateLine {
        subject: "CN=mx2.example.com".to_owned(),
        issuer: "CN=Some Root".to_owned(),
        names: vec!["mx2.example.com".to_owned()],
        not_before: 1_577_836_800,
        not_after: 1_597_084_182,
        fingerprint: "a1".repeat(32),
        verified: Some(false),
        problem: Some("the certificate expired 3 days ago, on 2020-08-10".to_owned()),
        problem_code: Some("tls-certificate-expired".to_owned()),
    }
}

fn end() -> TcpLine {
    TcpLine {
        rtt_us: 12_300,
        rtt_var_us: 900,
        segments: 9,
        sent_again: 0,
        retries: 0,
        unacked: 0,
        closed_first: "we".to_owned(),
        lost_packets: false,
    }
}

fn come_back() -> FailureLine {
    FailureLine {
        stage: "rcpt".to_owned(),
        cause: "reply-4xx".to_owned(),
        status: "4.2.1".to_owned(),
        code: 450,
        text: vec!["4.2.1 come back".to_owned()],
    }
}

#[test]
fn attempts_are_a_block_each_with_their_stages() {
    let failure = come_back();
    let refused = FailureLine {
        stage: "connect".to_owned(),
        cause: "connect-refused".to_owned(),
        code: 0,
        text: vec!["refused".to_owned()],
        ..failure.clone()
    };
    let stage = |stage: &str, after_us| StageLine { stage: stage.to_owned(), after_us };
    let attempt = AttemptLine {
        rid: 0,
        number: 1,
        host: "example.com".to_owned(),
        dcid: 12,
        began_us: 1_597_343_382_000_000,
        took_us: 1_204_000,
        stages: vec![stage("dns", 3_100), stage("connect", 15_300), stage("greeting", 1_015_400)],
        exchanger: Some("mx2.example.com".to_owned()),
        peer: Some("192.0.2.2:25".to_owned()),
        local: Some("192.0.2.9:4711".to_owned()),
        tls: None,
        certificate: Some(expired()),
        passed_over: vec![PassedOver {
            exchanger: "mx1.example.com".to_owned(),
            address: Some("192.0.2.1:25".to_owned()),
            failure: refused,
        }],
        outcome: "deferred".to_owned(),
        reply: Vec::new(),
        failure: Some(failure),
        tcp: None,
    };
    let done = AttemptLine {
        number: 2,
        failure: None,
        outcome: "delivered".to_owned(),
        reply: vec!["2.0.0 taken".to_owned()],
        certificate: None,
        passed_over: Vec::new(),
        tcp: Some(end()),
        ..attempt.clone()
    };
    let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".to_owned() };
    let reply = AttemptsReply { as_of, mid: 7, attempts: vec![attempt, done] };
    insta::assert_snapshot!(reply.text(), @r"
    MID 7 RID 0 to example.com

      Thu Aug 13 18:29:42 2020   attempt 1: deferred, after 1.204 s
        Before:   mx1.example.com 192.0.2.1:25: connect (connect-refused): refused
        Way:      DCID 12, mx2.example.com 192.0.2.2:25 from 192.0.2.9:4711
        Shown:    CN=mx2.example.com, signed by CN=Some Root
                  for mx2.example.com; from Wed Jan 01 00:00:00 2020 until Mon Aug 10 18:29:42 2020
                  SHA-256 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
                  turned down: the certificate expired 3 days ago, on 2020-08-10 [tls-certificate-expired]
        Stages:   dns 3 ms, connect 12 ms, greeting 1.000 s
        Failure:  rcpt (reply-4xx): 450 4.2.1 come back

      Thu Aug 13 18:29:42 2020   attempt 2: delivered, after 1.204 s
        Way:      DCID 12, mx2.example.com 192.0.2.2:25 from 192.0.2.9:4711
        Stages:   dns 3 ms, connect 12 ms, greeting 1.000 s
        Reply:    2.0.0 taken
        TCP:      round trip 12.3 ms, varying by 0.9 ms; nothing sent again; we closed first
    ");
}
