//! What no friend sends, and what browsers must not run.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Setting;
use crate::http::{Reply, encoded, get, post};
use crate::world::{PATIENCE, testdata};

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn is_shielded(reply: &Reply) {
    assert_eq!(reply.fields("content-security-policy"), [POLICY], "{reply:?}");
    assert_eq!(reply.fields("x-content-type-options"), ["nosniff"]);
    assert_eq!(reply.fields("referrer-policy"), ["no-referrer"]);
    assert_eq!(reply.fields("cache-control"), ["no-store"]);
}

/// Text in HTML as a browser would show it.
fn shown(html: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(html.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

#[test]
fn what_others_write_comes_back_as_text() {
    let Some(path) = testdata("cases/web-cases.json") else { return };
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let setting = Setting::start();
    let (_, token) = setting.first();
    let own = format!("http://{}", setting.desk);
    let payloads = cases["payloads"].as_array().unwrap();
    assert!(payloads.len() > 10);
    for payload in payloads.iter().map(|payload| payload.as_str().unwrap()) {
        let asked =
            get(&format!("/api/v1/hoststatus?host={}", encoded(payload))).bearer(&token).send(setting.desk);
        is_shielded(&asked);
        assert_eq!(asked.fields("content-type"), ["application/json"]);
        assert!(
            [400, 404].contains(&asked.status) && asked.json()["error"]["message"].is_string(),
            "{asked:?}"
        );
        // As a name at the door, and as the page to go to afterwards.
        let form = [("name", payload), ("password", "wrong password"), ("next", payload)];
        let page = post("/login").with("Origin", &own).form(&form).send(setting.desk);
        is_shielded(&page);
        assert!([401, 429].contains(&page.status), "{payload:?}: {}", page.status);
        assert!(page.fields("set-cookie").is_empty() && page.fields("location").is_empty());
        let name = payload.trim().to_lowercase();
        let before = page.body.split("name=name value=\"").nth(1).unwrap();
        let value = before.split('"').next().unwrap();
        if !name.chars().any(|letter| letter.is_control() || letter == '\u{202e}') {
            assert_eq!(shown(value), name, "{payload:?}");
        }
        assert!(!value.contains(['<', '>', '\u{1b}', '\u{202e}', '\r', '\n']), "{value:?}");
        let scripts: Vec<&str> = page.body.split("<script").skip(1).collect();
        assert!(scripts.iter().all(|script| script.starts_with(" src=\"/assets/")), "{scripts:?}");
        assert!(!page.body.contains("onerror=alert(1)>\""));
        let login = get(&format!("/login?next={}", encoded(payload))).send(setting.desk);
        assert!(login.body.contains("name=next value=\"/"), "{}", login.body);
    }
    let log = setting.gateway.log();
    assert!(!log.contains(['\u{1b}', '\r']), "control characters in the log");
}

#[test]
fn every_answer_is_shielded() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    for reply in [
        get("/login").send(setting.desk),
        get("/nothing").send(setting.desk),
        get("/api/v1/status").send(setting.desk),
        get("/api/v1/status").bearer(&token).send(setting.desk),
        post("/api/v1/status").bearer(&token).send(setting.desk),
        post("/login").send(setting.desk),
    ] {
        is_shielded(&reply);
        assert!(!reply.head.to_ascii_lowercase().contains("access-control-allow"), "{reply:?}");
    }
}

#[test]
fn requests_have_an_end() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    let body = post("/api/v1/delivernow").bearer(&token).json(&format!("\"{}\"", "x".repeat(100_000)));
    assert_eq!(body.send(setting.desk).status, 413);
    let field = get("/login").with("X-Long", &"x".repeat(100_000)).try_send(setting.desk);
    assert!(field.is_none_or(|reply| reply.status == 431), "a head without end was taken");
    let many = (0..200).fold(get("/login"), |request, number| request.with(&format!("X-{number}"), "x"));
    assert!(many.try_send(setting.desk).is_none_or(|reply| reply.status == 431));
    let long = get(&format!("/login?next=/{}", "x".repeat(60_000))).try_send(setting.desk);
    assert!(long.is_none_or(|reply| [414, 431].contains(&reply.status)));
    for noise in ["\r\n\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0", "EHLO a\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let mut stream = TcpStream::connect(setting.desk).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(noise.as_bytes()).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{noise:?}: {answer}");
    }
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 200);
}

#[test]
fn who_says_nothing_is_let_go() {
    let setting = Setting::start();
    let silent = |said: &[u8]| {
        let mut stream = TcpStream::connect(setting.desk).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.write_all(said).unwrap();
        stream
    };
    let began = Instant::now();
    let streams = [
        silent(b""),
        silent(b"GET /login HTTP/1.1\r\nHost: a\r\n"),
        silent(b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nname"),
    ];
    for mut stream in streams {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        assert!(
            ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 408") || answer.starts_with(b"HTTP/1.1 503")
        );
    }
    assert!(began.elapsed() < Duration::from_secs(39), "{:?}", began.elapsed());
}
