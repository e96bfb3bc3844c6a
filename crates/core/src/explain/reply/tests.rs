#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn class(stage: Stage, reply: &str) -> Reading {
    let (code, text) = reply.split_once(' ').unwrap();
    let lines = [text.to_owned()];
    read(stage, code.parse().unwrap(), status::said(&lines), &lines)
}

#[test]
fn replies_are_understood_by_status_then_words_then_code() {
    use ReplyClass::{
        AuthenticationFailed, ContentRejected, Greylisted, IpBlocklisted, MailboxFull, NoMailHere, Other,
        PeerBusy, PeerRateLimit, Policy, RecipientDisabled, RelayDenied, SenderDomainUnresolvable,
        SenderRejected, UnknownRecipient,
    };
    let table = [
        (Stage::Rcpt, "550 5.1.1 nothing that anybody reads", UnknownRecipient, Basis::Status),
        (Stage::Rcpt, "550 5.7.1 <x@spam.example>: User unknown", UnknownRecipient, Basis::Words),
        (Stage::Rcpt, "550 zebra", UnknownRecipient, Basis::Code),
        (Stage::Rcpt, "550 5.2.1 User unknown", UnknownRecipient, Basis::Words),
        (Stage::Rcpt, "550 5.2.1 rejected", RecipientDisabled, Basis::Status),
        (Stage::Mail, "501 5.1.8 Sender address rejected", SenderRejected, Basis::Words),
        (Stage::Mail, "501 5.1.8 zebra", SenderDomainUnresolvable, Basis::Status),
        (Stage::Rcpt, "452 4.2.2 zebra", MailboxFull, Basis::Status),
        (Stage::Rcpt, "451 4.7.1 Greylisting in action", Greylisted, Basis::Words),
        (Stage::Rcpt, "451 4.7.1 zebra", Greylisted, Basis::Code),
        (Stage::Rcpt, "450 4.2.0 <a@b.example>: zebra", Greylisted, Basis::Code),
        (Stage::Mail, "421 4.7.0 zebra", PeerRateLimit, Basis::Code),
        (Stage::Greeting, "421 zebra", PeerBusy, Basis::Code),
        (Stage::Greeting, "521 zebra", NoMailHere, Basis::Code),
        (
            Stage::Mail,
            "554 5.7.1 Client host [192.0.2.1] blocked using dul.list.example",
            IpBlocklisted,
            Basis::Words,
        ),
        (Stage::Mail, "554 5.7.1 your address is in disgrace with list.example", IpBlocklisted, Basis::Words),
        (Stage::Rcpt, "550 5.7.1 Relaying denied", RelayDenied, Basis::Words),
        (Stage::Final, "550 5.7.26 zebra", AuthenticationFailed, Basis::Status),
        (Stage::Final, "554 5.7.1 zebra", ContentRejected, Basis::Code),
        (Stage::Mail, "554 5.7.1 zebra", Policy, Basis::Code),
        (
            Stage::Rcpt,
            "550 5.2.1 The email account that you tried to reach is disabled",
            RecipientDisabled,
            Basis::Words,
        ),
        (Stage::Rcpt, "550 Empfänger unbekannt", UnknownRecipient, Basis::Words),
        (Stage::Rcpt, "552 邮箱已满", MailboxFull, Basis::Words),
        (Stage::Mail, "550 zebra", Other, Basis::Code),
    ];
    for (stage, reply, expected, basis) in table {
        let read = class(stage, reply);
        assert_eq!((read.class, read.basis), (expected, basis), "{reply}");
        assert_eq!(read.hard, reply.starts_with('5'));
    }
}

#[test]
fn only_replies_are_read() {
    let mut failure = Failure {
        stage: Stage::Rcpt,
        cause: crate::event::Cause::Reply5xx,
        status: (5, 1, 1),
        code: 0,
        text: vec!["5.1.1 unknown".to_owned()],
        address: None,
        at: 0,
    };
    assert_eq!(read_failure(&failure), None);
    failure.code = 550;
    assert_eq!(read_failure(&failure).map(|read| read.class), Some(ReplyClass::UnknownRecipient));
}

proptest! {
    /// Whatever a peer says is read; names of mailboxes and machines decide nothing.
    #[test]
    fn no_reply_is_too_strange(code in 400u16..600, lines in proptest::collection::vec(".*", 0..5)) {
        let read = read(Stage::Rcpt, code, status::said(&lines), &lines);
        prop_assert_eq!(read.hard, code >= 500);
    }

    #[test]
    fn the_name_of_a_mailbox_decides_nothing(local in "[a-z]{1,12}", domain in "[a-z]{3,12}") {
        for word in ["greylisted", "virus", "spam", "quota", "blocked"] {
            let said = format!("5.0.0 <{word}.{local}@{word}.{domain}.test>... zebra");
            let read = read(Stage::Data, 554, Some((5, 0, 0)), &[said]);
            prop_assert_eq!(read.class, ReplyClass::Other);
        }
    }
}
