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
    let look = |users: &Users, used, now| users.session(&session, LIFETIME, used, now).unwrap().is_some();
    assert_eq!(
        users.session(&session, LIFETIME, true, 50).unwrap(),
        Some(Session { user: "ann".to_owned(), role: Role::Operator })
    );
    // What is no use does not keep it alive.
    assert!(look(&users, false, 149) && !look(&users, false, 150));
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
    let alive = |session: &String| users.session(session, LIFETIME, false, 26).unwrap().is_some();
    assert!(!sessions[..5].iter().any(alive) && sessions[5..].iter().all(alive));
}

#[test]
fn a_token_holds_until_it_is_taken_back_and_secrets_are_not_in_the_file() {
    let (folder, mut users) = fresh();
    let token = users.add_token("monitor", Role::ReadOnlyOperator, 7).unwrap();
    assert!(users.add_token("monitor", Role::Operator, 7).is_err());
    let known = Token { name: "monitor".to_owned(), role: Role::ReadOnlyOperator, made_at: 7 };
    assert_eq!(users.token(&token).unwrap(), Some(known.clone()));
    assert_eq!(users.tokens().unwrap(), [known]);
    assert_eq!(users.token("mailreeve_x").unwrap(), None);
    let session = users.begin_session("ann", LIFETIME, 0).unwrap();
    let stored = fs::read(file(&folder.path().join("desk"))).unwrap();
    for secret in [token.trim_start_matches("mailreeve_"), &session] {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
    // Another program takes it back while this one has the file open.
    Users::open(&folder.path().join("desk")).unwrap().revoke_token("monitor").unwrap();
    assert_eq!(users.token(&token).unwrap(), None);
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
