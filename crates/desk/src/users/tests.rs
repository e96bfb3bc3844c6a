#![allow(clippy::unwrap_used)]

use std::os::unix::fs::PermissionsExt as _;

use super::tokens::Token;
use super::*;

const LIFETIME: Lifetime = Lifetime { idle: Duration::from_secs(100), whole: Duration::from_secs(1_000) };

fn fresh() -> (tempfile::TempDir, Users) {
    let folder = tempfile::tempdir().unwrap();
    let users = Users::open(&folder.path().join("desk")).unwrap();
    users.add("ann", Role::Operator, "hash").unwrap();
    (folder, users)
}

#[test]
fn a_session_ends_idle_and_ends_anyway() {
    let (_folder, mut users) = fresh();
    let session = users.begin_session("ann", LIFETIME, 0).unwrap();
    let look = |users: &mut Users, used, now| users.session(&session, LIFETIME, used, now).unwrap().is_some();
    assert_eq!(
        users.session(&session, LIFETIME, true, 50).unwrap(),
        Some(Session { user: "ann".to_owned(), role: Role::Operator })
    );
    // What is no use does not keep it alive.
    assert!(look(&mut users, false, 149) && !look(&mut users, false, 150));
    let other = users.begin_session("ann", LIFETIME, 0).unwrap();
    for now in (0..1_000).step_by(50) {
        assert!(users.session(&other, LIFETIME, true, now).unwrap().is_some(), "{now}");
    }
    assert!(users.session(&other, LIFETIME, true, 1_000).unwrap().is_none());
}

#[test]
fn a_new_password_and_a_removed_user_end_the_sessions() {
    let (_folder, mut users) = fresh();
    users.add("bob", Role::Administrator, "hash").unwrap();
    let bobs = users.begin_session("bob", LIFETIME, 0).unwrap();
    let changes: [fn(&mut Users); 3] = [
        |users| users.set_password("ann", "other").unwrap(),
        |users| users.set_role("ann", Role::ReadOnlyOperator).unwrap(),
        |users| users.remove("ann").unwrap(),
    ];
    for change in changes {
        let session = users.begin_session("ann", LIFETIME, 0).unwrap();
        change(&mut users);
        assert!(users.session(&session, LIFETIME, true, 1).unwrap().is_none());
    }
    assert!(users.session(&bobs, LIFETIME, true, 1).unwrap().is_some());
    assert_eq!(users.list().unwrap(), [("bob".to_owned(), Role::Administrator)]);
    assert!(users.set_password("ann", "x").is_err() && users.remove("ann").is_err());
}

#[test]
fn a_user_has_so_many_sessions_and_the_oldest_goes() {
    let (_folder, mut users) = fresh();
    let sessions: Vec<String> =
        (0..25).map(|now| users.begin_session("ann", LIFETIME, now).unwrap()).collect();
    let mut alive = |session: &String| users.session(session, LIFETIME, false, 26).unwrap().is_some();
    assert!(!sessions[..5].iter().any(&mut alive) && sessions[5..].iter().all(&mut alive));
}

#[test]
fn a_token_holds_until_it_is_taken_back_and_secrets_are_not_in_the_file() {
    let (folder, mut users) = fresh();
    let token = users.add_token("monitor", Role::ReadOnlyOperator, 7, Some(100)).unwrap();
    assert!(users.add_token("monitor", Role::Operator, 7, None).is_err());
    let known =
        Token { name: "monitor".to_owned(), role: Role::ReadOnlyOperator, made_at: 7, expires_at: Some(100) };
    assert_eq!(users.token(&token, 99).unwrap(), Some(known.clone()));
    assert_eq!(users.token(&token, 100).unwrap(), None, "it has ended");
    assert_eq!(users.tokens().unwrap(), [known]);
    assert_eq!(users.token("mailreeve_x", 0).unwrap(), None);
    let session = users.begin_session("ann", LIFETIME, 0).unwrap();
    let stored = fs::read(file(&folder.path().join("desk"))).unwrap();
    for secret in [token.trim_start_matches("mailreeve_"), &session] {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
    // Another program takes it back while this one has the file open.
    Users::open(&folder.path().join("desk")).unwrap().revoke_token("monitor").unwrap();
    assert_eq!(users.token(&token, 0).unwrap(), None);
}

#[test]
fn nobody_else_may_read_it_and_names_are_plain() {
    let (folder, users) = fresh();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let desk = folder.path().join("desk");
    assert_eq!((mode(desk.clone()), mode(file(&desk))), (0o700, 0o600));
    for name in ["", "Ann", "a b", "a\n", "a/b", "<b>", &"x".repeat(65)] {
        assert!(users.add(name, Role::Operator, "hash").is_err(), "{name:?}");
    }
    assert!(users.add("ann", Role::Operator, "hash").is_err());
}

#[test]
fn a_file_of_a_later_release_is_refused() {
    let (folder, users) = fresh();
    users.connection.pragma_update(None, "user_version", 99).unwrap();
    let problem = Users::open(&folder.path().join("desk")).err().unwrap();
    assert!(format!("{problem:#}").contains("later release"), "{problem:#}");
}

#[test]
fn a_disk_that_takes_no_writes_keeps_nobody_out_and_is_told() {
    let (_folder, mut users) = fresh();
    let before = users.begin_session("ann", LIFETIME, 0).unwrap();
    let other = users.begin_session("ann", LIFETIME, 0).unwrap();
    assert_eq!(users.take_trouble(), None);
    let may_write =
        |users: &Users, may: bool| users.connection.pragma_update(None, "query_only", !may).unwrap();
    may_write(&users, false);
    let look = |users: &mut Users, session: &str, now| {
        users.session(session, LIFETIME, true, now).unwrap().is_some()
    };
    // One from before goes on, and its use is remembered.
    assert!(look(&mut users, &before, 90) && users.take_trouble().is_some());
    assert!(look(&mut users, &before, 180) && !look(&mut users, &before, 281));
    // One can be ended, and one can begin.
    users.end_session(&other).unwrap();
    assert!(!look(&mut users, &other, 1));
    let meanwhile = users.begin_session("ann", LIFETIME, 200).unwrap();
    assert!(users.take_trouble().unwrap().contains("readonly"));
    let ann = Session { user: "ann".to_owned(), role: Role::Operator };
    assert_eq!(users.session(&meanwhile, LIFETIME, true, 299).unwrap(), Some(ann));
    assert!(look(&mut users, &meanwhile, 398), "used at 299");
    let idle = users.begin_session("ann", LIFETIME, 200).unwrap();
    assert!(!look(&mut users, &idle, 300));
    // A new password ends it all the same.
    may_write(&users, true);
    users.set_password("ann", "other").unwrap();
    assert!(!look(&mut users, &meanwhile, 399));
}

#[test]
fn a_change_and_its_record_are_there_together_or_not_at_all() {
    let (_folder, mut users) = fresh();
    let deed = |arguments: &str| Deed {
        by: "root".to_owned(),
        command: "desk-user role".to_owned(),
        arguments: arguments.to_owned(),
    };
    let done = users.recorded(&deed("nobody"), |users| users.set_role("nobody", Role::Administrator));
    assert!(done.is_err());
    users.recorded(&deed("ann"), |users| users.set_role("ann", Role::Administrator)).unwrap();
    users.recorded(&deed("ann again"), |users| users.set_password("ann", "x")).unwrap();
    let deeds = users.deeds().unwrap();
    let told: Vec<&str> = deeds.iter().map(|(_, deed)| deed.arguments.as_str()).collect();
    assert_eq!(told, ["ann", "ann again"]);
    users.forget_deeds(deeds[0].0).unwrap();
    assert_eq!(users.deeds().unwrap(), deeds[1..]);
}

#[test]
fn a_file_of_format_1_is_taken_over() {
    let (folder, users) = fresh();
    let token = users.add_token("old", Role::Operator, 7, None).unwrap();
    users
        .connection
        .execute_batch("DROP TABLE deed; ALTER TABLE token DROP COLUMN expires_at; PRAGMA user_version = 1")
        .unwrap();
    drop(users);
    let users = Users::open(&folder.path().join("desk")).unwrap();
    assert_eq!(users.token(&token, i64::MAX).unwrap().unwrap().expires_at, None);
    assert!(users.find("ann").unwrap().is_some() && users.deeds().unwrap().is_empty());
}
