//! Words, and the text of a reply.

use super::*;

#[test]
fn columns_are_apart_however_long_they_are() {
    let row = |mid, rid, sender: &str| RecipientLine {
        mid,
        rid,
        bytes: 999,
        attempts: 1,
        sender: sender.to_owned(),
        recipient: "b@example.net".to_owned(),
        subject: Some("a letter".to_owned()),
        why: String::new(),
        next_us: None,
    };
    let recipients = vec![
        row(7, 0, ""),
        row(8, 0, "exactly.25.char@example.x"),
        row(1_234_567_890, u32::MAX, "a.rather.long.name@lists.example.com"),
    ];
    assert_eq!(
        ShowRecipientsReply {
            scope: RecipientScope::All,
            total: Some(3),
            recipients,
            next: None,
            searched: None
        }
        .text(),
        "MID/      Bytes/      Sender/                   Subject\n\
         [RID]     [Atmps]     Recipient\n\
         7         999         <>                        a letter\n\
         [0]       [1]         b@example.net\n\
         8         999         exactly.25.char@example.x a letter\n\
         [0]       [1]         b@example.net\n\
         1234567890 999         a.rather.long.name@lists.example.com a letter\n\
         [4294967295] [1]         b@example.net\n\n\
         3 recipients are waiting.\n"
    );
}

fn read(text: &str) -> Result<ShowRecipients, Problem> {
    ShowRecipients::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn a_page_says_how_many_there_are_and_how_to_go_on() {
    let line = RecipientLine {
        mid: 1_234,
        rid: 5,
        bytes: 1,
        attempts: 0,
        sender: String::new(),
        recipient: "b@a.test".to_owned(),
        subject: None,
        why: String::new(),
        next_us: None,
    };
    let page = |scope, total, next| ShowRecipientsReply {
        scope,
        total,
        recipients: vec![line.clone()],
        next,
        searched: None,
    };
    let host = RecipientScope::Host("a.test".to_owned());
    let text = page(host, Some(25_000), Some((1_234, 5))).text();
    let (_, last) = text.split_once("\n\n").unwrap_or_default();
    assert_eq!(
        last,
        "1 of 25,000 waiting recipients are listed; `showrecipients host a.test after 1234.5` shows those behind \
         them.\n"
    );
    // What it says is understood.
    let words = last.split('`').nth(1).unwrap_or_default();
    let asked = read(words.trim_start_matches("showrecipients ")).map(|asked| (asked.scope, asked.after));
    assert_eq!(asked, Ok((RecipientScope::Host("a.test".to_owned()), Some((1_234, 5)))));
    let text = page(RecipientScope::From(String::new()), None, Some((1, 0))).text();
    assert!(text.contains("1 recipient is listed; `showrecipients from <> after 1.0`"), "{text}");
    let none = ShowRecipientsReply { recipients: Vec::new(), ..page(RecipientScope::All, Some(3), None) };
    assert_eq!(none.text(), "None of 3 waiting recipients is behind that place.\n");
}

#[test]
fn words_are_read_and_mistakes_are_told() {
    let all = |after, limit| Ok((RecipientScope::All, after, limit));
    let asked = |text: &str| read(text).map(|asked| (asked.scope, asked.after, asked.limit));
    assert_eq!(asked("all"), all(None, 1_000));
    assert_eq!(asked("all after 12.3 limit 5"), all(Some((12, 3)), 5));
    assert_eq!(asked("ALL limit 5 AFTER 12"), all(Some((12, u32::MAX)), 5));
    assert_eq!(asked("all 12.3 5"), all(Some((12, 3)), 5));
    assert_eq!(asked("all  12.3 5"), all(Some((12, 3)), 5), "an empty word where `what` stands");
    for wrong in [
        "host",
        "host ann@a.test",
        "from ann",
        "everything",
        "all a.test",
        "all after",
        "all limit 0",
        "all limit 1001",
        "all after 1.2.3",
        "all after 1.0 after 2.0",
        "host a.test 1.0 5 6",
    ] {
        assert!(asked(wrong).is_err(), "{wrong}");
    }
}
