//! Coming in with a name and a password, and staying in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Setting;
use crate::http::{Reply, Request, get, post};
use crate::world::wait_until;

impl Setting {
    pub(crate) fn own(&self) -> String {
        format!("http://{}", self.desk)
    }

    fn sign_in(&self, name: &str, password: &str) -> Reply {
        let form = post("/login").with("Origin", &self.own());
        form.form(&[("name", name), ("password", password), ("next", "/there?a=b")]).send(self.desk)
    }

    /// A session as the first user: its cookie and its form token.
    pub(crate) fn session(&self) -> (String, String) {
        self.session_of("admin", &self.first().0)
    }

    /// The same of another user.
    pub(crate) fn session_of(&self, name: &str, password: &str) -> (String, String) {
        let cookie = self.sign_in(name, password).cookie().unwrap();
        let known = get("/api/v1/session").with("Cookie", &cookie).send(self.desk).json();
        (cookie, known["ok"]["csrf"].as_str().unwrap().to_owned())
    }
}

#[test]
fn the_first_user_comes_in_with_what_the_file_tells_and_the_log_does_not() {
    let setting = Setting::start();
    let (password, token) = setting.first();
    let reply = setting.sign_in("admin", &password);
    assert_eq!((reply.status, reply.fields("location")), (303, vec!["/there?a=b"]));
    let set = reply.fields("set-cookie")[0];
    assert!(
        set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && !set.contains("Secure"),
        "{set}"
    );
    let cookie = reply.cookie().unwrap();
    let look = || get("/api/v1/status").with("Cookie", &cookie).send(setting.desk).status;
    assert_eq!(look(), 200);
    let told = setting.gateway.folder.path().join("data/desk/first-login.txt");
    assert_eq!(fs::metadata(&told).unwrap().permissions().mode() & 0o777, 0o600);
    wait_until("the log", || setting.gateway.log().contains("User admin signed in from 127."));
    let log = setting.gateway.log() + &setting.gateway.errors();
    assert!(log.contains(told.to_str().unwrap()) && setting.alerted("desk-first-user"));
    assert!(
        !log.contains(&password) && !log.contains(&token) && !log.contains(cookie.split('=').nth(1).unwrap())
    );
    // A new password ends the session, and the one before opens nothing.
    setting.desk_user("password admin", "a better password");
    assert_eq!((look(), setting.sign_in("admin", &password).status), (401, 401));
    assert_eq!(setting.sign_in("ADMIN ", "a better password").status, 303);
}

#[test]
fn a_session_changes_nothing_on_another_sites_behalf() {
    let setting = Setting::start();
    let (cookie, csrf) = setting.session();
    let own = setting.own();
    let change = |path: &str| post(path).with("Cookie", &cookie);
    type Dress = fn(Request, &str, &str) -> Request;
    let foreign: [(&str, Dress); 6] = [
        ("nothing", |request, _, _| request),
        ("no token", |request, own, _| request.with("Origin", own)),
        ("another token", |request, own, _| request.with("Origin", own).with("X-CSRF-Token", "x")),
        ("another site", |request, _, csrf| {
            request.with("Origin", "https://evil.test").with("X-CSRF-Token", csrf)
        }),
        ("no origin", |request, _, csrf| request.with("X-CSRF-Token", csrf)),
        ("a frame of another site", |request, own, csrf| {
            request.with("Origin", own).with("Sec-Fetch-Site", "cross-site").with("X-CSRF-Token", csrf)
        }),
    ];
    let changes = mailreeve_api::registry::COMMANDS
        .iter()
        .filter(|entry| entry.spec.effect == mailreeve_api::command::Effect::Change)
        .map(|entry| entry.spec.route);
    for path in changes.chain(["/logout", "/monitor/delivery-status/retry"]) {
        for (what, dress) in foreign {
            let reply = dress(change(path), &own, &csrf).send(setting.desk);
            assert_eq!(reply.status, 403, "{path}: {what}: {reply:?}");
        }
    }
    // The login has no token yet, and is not for other sites either.
    for request in [post("/login"), post("/login").with("Origin", "https://evil.test")] {
        let reply = request.form(&[("name", "admin"), ("password", &setting.first().0)]).send(setting.desk);
        assert_eq!((reply.status, reply.cookie()), (403, None));
    }
    let by_script = change("/api/v1/delivernow").with("Origin", &own).with("X-CSRF-Token", &csrf);
    assert_eq!(by_script.json(r#"{"scope":"all"}"#).send(setting.desk).status, 404);
    let by_form = change("/logout").with("Origin", &own).form(&[("csrf", &csrf)]).send(setting.desk);
    assert_eq!((by_form.status, by_form.fields("location")), (303, vec!["/login"]));
    assert_eq!(get("/api/v1/status").with("Cookie", &cookie).send(setting.desk).status, 401);
}

#[test]
fn a_session_from_before_is_not_the_one_afterwards() {
    let setting = Setting::start();
    let (before, _) = setting.session();
    let form = post("/login").with("Origin", &setting.own()).with("Cookie", &before);
    // The form token belongs to the session that is there; a page of ours that is open has it.
    let csrf = get("/api/v1/session").with("Cookie", &before).send(setting.desk).json()["ok"]["csrf"].clone();
    let fields = [("name", "admin"), ("password", &*setting.first().0), ("csrf", csrf.as_str().unwrap())];
    let reply = form.form(&fields).send(setting.desk);
    assert_eq!(reply.status, 303);
    assert_ne!(reply.cookie().unwrap(), before);
    assert_eq!(get("/api/v1/status").with("Cookie", &before).send(setting.desk).status, 401);
    // One that somebody planted opens nothing, before and after.
    let planted = "mailreeve=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(get("/api/v1/status").with("Cookie", planted).send(setting.desk).status, 401);
}

#[test]
fn a_thousand_wrong_passwords_open_nothing_and_are_on_record() {
    let setting = Setting::start();
    let (password, token) = setting.first();
    let (wrong, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (setting, wrong, locked) = (&setting, &wrong, &locked);
            scope.spawn(move || {
                for number in 0..125 {
                    let reply = setting.sign_in("admin", &format!("guess {worker} {number}"));
                    assert_eq!(reply.cookie(), None);
                    match reply.status {
                        401 => wrong.fetch_add(1, Ordering::Relaxed),
                        429 => locked.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other}: {reply:?}"),
                    };
                }
            });
        }
    });
    assert_eq!((wrong.load(Ordering::Relaxed), locked.load(Ordering::Relaxed)), (10, 990));
    // The right one is of no use now, and it looks the same.
    let reply = setting.sign_in("admin", &password);
    assert_eq!((reply.status, reply.cookie()), (429, None));
    assert!(reply.body.contains("Too many tries failed") && !reply.fields("retry-after").is_empty());
    wait_until("the alert", || setting.alerted("desk-lockout"));
    let log = setting.gateway.log();
    assert!(log.contains("user admin is locked at 127.") && log.contains(" for 900 seconds"), "{log}");
    assert_eq!(log.matches("Sign-in refused for user admin").count(), 9, "{log}");
    // Who has a token is not concerned.
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 200);
}

#[test]
fn a_lock_is_for_whoever_guesses_and_not_for_the_user() {
    let setting = Setting::start();
    let (password, _) = setting.first();
    let came_in = setting.sign_in("admin", &password);
    let browser = came_in.fields("set-cookie")[1].split(';').next().unwrap().to_owned();
    let attempt = |password: &str, browser: Option<&str>| {
        let form = post("/login").with("Origin", &setting.own());
        let form = browser.into_iter().fold(form, |form, browser| form.with("Cookie", browser));
        form.form(&[("name", "admin"), ("password", password)]).send(setting.desk)
    };
    for _ in 0..10 {
        assert_eq!(attempt("a guess", None).status, 401);
    }
    let refused = attempt(&password, None);
    let wait: u64 = refused.fields("retry-after")[0].parse().unwrap();
    assert!(refused.status == 429 && (800..=900).contains(&wait), "{refused:?}");
    // The browser that came in before is known again, at the same address, and one that says so is not.
    assert_eq!(attempt(&password, Some("mailreeve-browser=made-up")).status, 429);
    assert_eq!(attempt(&password, Some(&browser)).status, 303);
    assert_eq!(setting.sign_in("ann", "another name").status, 401);
}

#[test]
fn wrong_names_and_wrong_passwords_look_alike() {
    let setting = Setting::start();
    let known = setting.sign_in("admin", "wrong password");
    let unknown = setting.sign_in("nobody", "wrong password");
    assert_eq!((known.status, unknown.status), (401, 401));
    let without = |reply: &Reply, name: &str| reply.body.replace(&format!("value=\"{name}\""), "value");
    assert_eq!(without(&known, "admin"), without(&unknown, "nobody"));
}

#[test]
fn a_role_that_is_changed_and_a_token_that_is_taken_back_hold_at_once() {
    let setting = Setting::start();
    setting.desk_user("add ann --role operator", "correct horse");
    let cookie = setting.sign_in("ann", "correct horse").cookie().unwrap();
    let who = |cookie: &str| get("/api/v1/session").with("Cookie", cookie).send(setting.desk);
    assert_eq!(who(&cookie).json()["ok"]["role"], "operator");
    setting.desk_user("role ann --role read-only", "");
    assert_eq!(who(&cookie).status, 401);
    let again = setting.sign_in("ann", "correct horse").cookie().unwrap();
    assert_eq!(who(&again).json()["ok"]["role"], "read-only");
    setting.desk_user("remove ann", "");
    assert_eq!((who(&again).status, setting.sign_in("ann", "correct horse").status), (401, 401));
    let (_, token) = setting.first();
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 200);
    setting.desk_user("revoke first", "");
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 401);
    assert_eq!(setting.desk_user("list", ""), "user   admin                    administrator");
}
