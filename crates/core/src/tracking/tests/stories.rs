//! Events become records.

use super::*;

const ICID: Icid = Icid(7);
const MID: Mid = Mid(42);

fn gathered(events: Vec<Event>) -> Gather<usize> {
    let mut gather = Gather::default();
    for (place, event) in events.into_iter().enumerate() {
        gather.note(place, &Stamped { at: 1_000 + place as u64, event });
    }
    gather
}

fn opened() -> Event {
    let (local, peer) = ("192.0.2.1:25".parse().unwrap(), "198.51.100.9:4711".parse().unwrap());
    Event::ConnectionOpened { icid: ICID, listener: "in".into(), local, peer }
}

fn judged() -> Event {
    Event::PeerJudged {
        icid: ICID,
        peer: "198.51.100.9".parse().unwrap(),
        reverse: Some("Mail.Sender.example".into()),
        verified: true,
        lookup_us: None,
        action: PeerAction::Accept,
        group: "ALL".into(),
        rule: "all".into(),
    }
}

fn closed(messages: u32) -> Event {
    let peer = "198.51.100.9".parse().unwrap();
    Event::ConnectionClosed { icid: ICID, peer, why: CloseReason::Quit, lasted_us: 5, messages }
}

fn started() -> Event {
    Event::MessageStarted { mid: MID, icid: ICID, sender: "ann@sender.example".into() }
}

fn to(rid: u32, address: &str) -> Event {
    Event::RecipientAccepted { mid: MID, icid: ICID, rid: Rid(rid), address: address.into() }
}

fn accepted(recipients: u32) -> Event {
    Event::Accepted {
        mid: MID,
        icid: ICID,
        size: 900,
        sender: "ann@sender.example".into(),
        message_id: Some("One@Sender.example".into()),
        subject: Some("請求書 March".into()),
        recipients,
    }
}

fn queued(rids: &[u32]) -> Event {
    let rids = rids.iter().map(|rid| Rid(*rid)).collect();
    Event::Queued { mid: MID, destinations: vec![(Host::new("b.example"), rids)] }
}

fn hop() -> Event {
    let (local, peer) = ("192.0.2.1:4000".parse().unwrap(), "203.0.113.5:25".parse().unwrap());
    Event::DeliveryOpened {
        dcid: Dcid(3),
        host: Host::new("b.example"),
        local,
        peer,
        name: "mx.b.example".into(),
    }
}

fn delivered(rid: u32) -> Event {
    let (mid, host) = (MID, Host::new("b.example"));
    Event::Delivered { dcid: Dcid(3), mid, rids: vec![Rid(rid)], host, reply: "250 ok".into() }
}

fn bounced(rid: u32) -> Event {
    let text = vec!["550 no such user".to_owned()];
    let (stage, cause) = (Stage::Rcpt, Cause::Reply5xx);
    let failure = Failure { stage, cause, status: (5, 1, 1), code: 550, text, address: None, at: 1 };
    let (mid, host, kind) = (MID, Host::new("b.example"), BounceKind::FiveXx);
    Event::Bounced { dcid: Dcid(3), mid, rid: Rid(rid), host, kind, failure, unreported: None }
}

fn whole() -> Vec<Event> {
    let (one, two) = (to(0, "bob@b.example"), to(1, "Eve@b.example"));
    let mut events = vec![opened(), judged(), started(), one, two, accepted(2), queued(&[0, 1]), hop()];
    events.push(Event::DeliveryStarted { dcid: Dcid(3), mid: MID, rids: vec![Rid(0), Rid(1)] });
    events.extend([delivered(0), bounced(1), Event::Finished { mid: MID }, closed(1)]);
    events
}

#[test]
fn a_message_is_one_record_from_connection_to_end() {
    let gather = gathered(whole());
    assert_eq!(gather.len(), 1);
    let gathered = gather.get(Tracked::Message(MID)).unwrap();
    assert_eq!(gathered.places, (0..=11).collect::<Vec<_>>());
    let record = &gathered.record;
    assert!(record.is_over());
    assert_eq!((record.began_at, record.last_at, record.icid), (1_002, 1_011, Some(ICID)));
    assert_eq!(record.states(), [State::Delivered, State::Bounced].into_iter().collect());
    assert_eq!(record.reverse.as_deref(), Some("Mail.Sender.example"));
    assert_eq!(record.addressees().collect::<Vec<_>>(), ["bob@b.example", "Eve@b.example"]);
}

/// Whoever only knows the places of a record's events gets the same record.
#[test]
fn a_record_is_the_fold_of_its_events() {
    let events = whole();
    let gather = gathered(events.clone());
    let known = gather.get(Tracked::Message(MID)).unwrap();
    let stamped: Vec<_> = known
        .places
        .iter()
        .map(|place| Stamped { at: 1_000 + *place as u64, event: events[*place].clone() })
        .collect();
    assert_eq!(Record::of(Tracked::Message(MID), &stamped), known.record);
    let again = Gathered::restored(Tracked::Message(MID), known.places.iter().copied().zip(&stamped), 0);
    assert_eq!((again.record, again.places), (known.record.clone(), known.places.clone()));
}

#[test]
fn states_follow_the_events() {
    let state_after = |count: usize| {
        let gather = gathered(whole().into_iter().take(count).collect());
        gather.get(Tracked::Message(MID)).map(|gathered| gathered.record.states().iter().collect::<Vec<_>>())
    };
    assert_eq!(state_after(2), None);
    assert_eq!(state_after(3), Some(vec![State::Receiving]));
    assert_eq!(state_after(6), Some(vec![State::Held]));
    assert_eq!(state_after(7), Some(vec![State::Queued]));
    assert_eq!(state_after(10), Some(vec![State::Queued, State::Delivered]));
}

#[test]
fn a_connection_is_a_record_until_it_becomes_a_message() {
    let connection = Tracked::Connection(ICID);
    let open = gathered(vec![opened(), judged(), started()]);
    assert_eq!(open.get(connection).unwrap().record.states(), State::Connected.into());
    let became = gathered(vec![opened(), judged(), started(), to(0, "bob@b.example"), accepted(1)]);
    assert!(became.get(connection).is_none());
    let abort = Event::MessageAborted { mid: MID, icid: ICID, why: AbortReason::BySender };
    let none = gathered(vec![opened(), judged(), started(), abort, closed(0)]);
    let record = &none.get(connection).unwrap().record;
    assert_eq!(
        (record.states(), record.sender.as_deref()),
        (State::NoMessage.into(), Some("ann@sender.example"))
    );
    assert_eq!(none.get(Tracked::Message(MID)).unwrap().record.states(), State::Aborted.into());
}

#[test]
fn a_start_ends_what_was_coming_in() {
    let start = Event::Started { version: "1".into(), node: "gw".into() };
    let gather = gathered(vec![opened(), started(), start]);
    let state = |tracked| gather.get(tracked).unwrap().record.states();
    assert_eq!(state(Tracked::Message(MID)), State::Aborted.into());
    assert_eq!(state(Tracked::Connection(ICID)), State::NoMessage.into());
    let kept = gather.get(Tracked::Message(MID)).unwrap();
    assert_eq!(kept.places, [0, 1, 2]);
}

#[test]
fn connections_whose_end_is_never_told_do_not_pile_up() {
    const MANY: u64 = 70_000;
    let mut gather = Gather::default();
    for place in 0..MANY {
        let (local, peer) = ("192.0.2.1:25".parse().unwrap(), "198.51.100.9:4711".parse().unwrap());
        let event = Event::ConnectionOpened { icid: Icid(place), listener: "in".into(), local, peer };
        gather.note(place, &Stamped { at: place, event });
    }
    let known_from = gather.recall_from().unwrap();
    assert!((1..MANY).contains(&known_from), "all connections since {known_from} are known");
    let versions: Vec<_> =
        gather.records().map(|gathered| (gathered.record.tracked, gathered.version)).collect();
    gather.stored(&versions, 10);
    assert_eq!(gather.len() as u64, MANY - known_from, "records of those that may be open stay");
}

#[test]
fn events_of_what_was_taken_out_ask_for_it() {
    let mut gather = gathered(whole().into_iter().take(7).collect());
    assert_eq!(gather.lacks(&delivered(0)).next(), None);
    let taken = gather.get(Tracked::Message(MID)).unwrap().clone();
    gather.stored(&[(taken.record.tracked, taken.version)], 0);
    assert!(gather.is_empty());
    assert_eq!(gather.lacks(&delivered(0)).collect::<Vec<_>>(), [Tracked::Message(MID)]);
    let events = whole();
    let stamped: Vec<_> = taken
        .places
        .iter()
        .map(|place| Stamped { at: 1_000 + *place as u64, event: events[*place].clone() })
        .collect();
    let places = taken.places.iter().copied().zip(&stamped);
    gather.put_back(Gathered::restored(taken.record.tracked, places, 0));
    gather.note(20, &Stamped { at: 2_000, event: delivered(0) });
    gather.note(20, &Stamped { at: 2_000, event: delivered(0) });
    let after = gather.get(Tracked::Message(MID)).unwrap();
    assert!(after.is_changed() && after.stored);
    assert_eq!(after.places, [0, 1, 2, 3, 4, 5, 6, 20]);
}

#[test]
fn each_thing_that_is_asked_for_is_looked_at() {
    let gather = gathered(whole());
    let record = &gather.get(Tracked::Message(MID)).unwrap().record;
    let pattern = |text: &str| Some(Pattern::read(text));
    let none = Query::default;
    let table = [
        (none(), none()),
        (Query { sender: pattern("ANN@"), ..none() }, Query { sender: pattern("bob"), ..none() }),
        (
            Query { recipient: pattern("=eve@b.example"), ..none() },
            Query { recipient: pattern("=eve"), ..none() },
        ),
        (Query { subject: pattern("請求"), ..none() }, Query { subject: pattern("<>"), ..none() }),
        (
            Query { message_id: Some("<one@SENDER.example>".into()), ..none() },
            Query { message_id: Some("one".into()), ..none() },
        ),
        (Query { mid: Some(MID), ..none() }, Query { mid: Some(Mid(7)), ..none() }),
        (Query { icid: Some(ICID), ..none() }, Query { icid: Some(Icid(42)), ..none() }),
        (
            Query { ip: "::ffff:203.0.113.5".parse().ok(), ..none() },
            Query { ip: "192.0.2.1".parse().ok(), ..none() },
        ),
        (
            Query { host: Some("mail.sender.EXAMPLE.".into()), ..none() },
            Query { host: Some("sender.example".into()), ..none() },
        ),
        (Query { from: Some(1_002), ..none() }, Query { from: Some(1_003), ..none() }),
        (Query { to: Some(1_003), ..none() }, Query { to: Some(1_002), ..none() }),
        (Query { kind: Some(Kind::Queued), ..none() }, Query { kind: Some(Kind::Deferred), ..none() }),
        (Query { state: Some(State::Bounced), ..none() }, Query { state: Some(State::Queued), ..none() }),
    ];
    for (fitting, other) in &table {
        assert!(fitting.fits(record), "{fitting:?}");
        assert!(!other.fits(record) || other.wants_all(), "{other:?}");
    }
}
