#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use mailreeve_api::command::Role;
use serde_json::json;

use super::*;

type Daemon = (BufReader<OwnedReadHalf>, OwnedWriteHalf);

async fn opened() -> (Channel, Gone, Daemon) {
    let (near, far) = UnixStream::pair().unwrap();
    let (read, mut write) = far.into_split();
    let start = Start {
        hostname: "gw.test".to_owned(),
        folder: PathBuf::from("/desk"),
        identity: None,
        idle_s: 1,
        session_s: 1,
    };
    say(&mut write, &ToDesk::Start(start)).await;
    let (channel, start, gone) = Channel::open(near).await.unwrap();
    assert_eq!(start.hostname, "gw.test");
    (channel, gone, (BufReader::new(read), write))
}

async fn say(write: &mut OwnedWriteHalf, said: &ToDesk) {
    write.write_all(format!("{}\n", serde_json::to_string(said).unwrap()).as_bytes()).await.unwrap();
}

async fn heard(read: &mut BufReader<OwnedReadHalf>) -> FromDesk {
    let mut line = String::new();
    read.read_line(&mut line).await.unwrap();
    serde_json::from_str(&line).unwrap()
}

async fn hear(read: &mut BufReader<OwnedReadHalf>) -> (u64, Call) {
    match heard(read).await {
        FromDesk::Ask { id, call } => (id, call),
        other => unreachable!("{other:?}"),
    }
}

fn caller() -> Caller {
    Caller { user: "ann".to_owned(), role: Role::Operator, from: "192.0.2.1".to_owned() }
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order_and_calls_say_who_asks() {
    let (channel, _gone, (mut read, mut write)) = opened().await;
    let daemon = tokio::spawn(async move {
        let mut calls = [hear(&mut read).await, hear(&mut read).await];
        calls.reverse();
        for (id, call) in calls {
            assert_eq!(call.caller, Some(caller()));
            let answer = Answer::ok(json!({ "was": call.command }));
            say(&mut write, &ToDesk::Answer { id, answer }).await;
        }
        (read, write)
    });
    let ask = |name: &str| {
        let (channel, call) = (channel.clone(), Call::new(name, Value::Null));
        async move { channel.ask(&call, &caller()).await.unwrap() }
    };
    let (one, two) = tokio::join!(ask("one"), ask("two"));
    assert_eq!((one["was"].as_str(), two["was"].as_str()), (Some("one"), Some("two")));
    daemon.await.unwrap();
    assert!(channel.inner.under_way.lock().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_says_nothing_is_given_up_and_told_so() {
    let (channel, _gone, (mut read, mut write)) = opened().await;
    let problem = channel.ask(&Call::new("status", Value::Null), &caller()).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    let (asked, _) = hear(&mut read).await;
    let FromDesk::Cancel { id } = heard(&mut read).await else { unreachable!("something else") };
    assert_eq!(id, asked);
    // Its seat is the daemon's until it has answered.
    assert_eq!(channel.inner.seats.available_permits(), CALLS - 1);
    say(&mut write, &ToDesk::Answer { id, answer: Answer::ok(Value::Null) }).await;
    while channel.inner.seats.available_permits() < CALLS {
        tokio::task::yield_now().await;
    }
    assert!(channel.inner.under_way.lock().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waits_for_others_is_not_given_up_meanwhile() {
    let (channel, _gone, (mut read, mut write)) = opened().await;
    let daemon = tokio::spawn(async move {
        let (id, _) = hear(&mut read).await;
        tokio::time::sleep(Duration::from_secs(61)).await;
        say(&mut write, &ToDesk::Answer { id, answer: Answer::ok(json!("done")) }).await;
        (read, write)
    });
    let call = Call::new("suspend", json!({ "seconds": 60 }));
    assert_eq!(channel.ask(&call, &caller()).await, Ok(json!("done")));
    daemon.await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_daemon_ends_every_call() {
    let (channel, gone, daemon) = opened().await;
    let call = Call::new("status", Value::Null);
    let caller = caller();
    let (answer, ()) = tokio::join!(channel.ask(&call, &caller), async { drop(daemon) });
    assert_eq!(answer.unwrap_err().kind, ProblemKind::Unavailable);
    gone.wait().await;
    assert!(channel.ask(&call, &caller).await.is_err());
}

#[tokio::test]
async fn a_request_that_is_too_long_is_not_sent() {
    let (channel, _gone, _daemon) = opened().await;
    let call = Call::new("status", Value::from("x".repeat(ASK_BYTES)));
    assert_eq!(channel.ask(&call, &caller()).await.unwrap_err().kind, ProblemKind::TooLong);
}
