//! Commands by REST: laws over the whole registry.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use mailreeve_api::command::{Effect, Entry, Role};
use mailreeve_api::registry::COMMANDS;
use serde_json::{Map, Value};

use crate::Setting;
use crate::http::{Request, encoded, get, post};
use crate::world::{PATIENCE, wait_until};

/// The example of a command, by REST.
fn example(entry: &Entry) -> Request {
    let own = entry.spec.words.split(' ').count();
    // The last argument of some takes all words that are left.
    let most = own + if entry.open_ended { 1 } else { entry.spec.arguments.len() };
    let words = entry.spec.example.splitn(most, ' ').skip(own);
    let named: Vec<(&str, &str)> =
        entry.spec.arguments.iter().map(|argument| argument.name).zip(words).collect();
    match entry.spec.effect {
        Effect::Read => {
            let pairs: Vec<String> =
                named.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            get(&format!("{}?{}", entry.spec.route, pairs.join("&")))
        }
        Effect::Change => {
            let fields: Map<String, Value> =
                named.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
            post(entry.spec.route).json(&Value::from(fields).to_string())
        }
    }
}

#[test]
fn each_role_may_give_its_commands_and_no_others() {
    let setting = Setting::start();
    for role in Role::ALL {
        let name = format!("token-{}", role.word());
        let token = setting.desk_user(&format!("token {name} --role {}", role.word()), "");
        for entry in COMMANDS {
            let words = entry.spec.words;
            let reply = example(entry).bearer(&token).send(setting.desk);
            let json = reply.json();
            assert_eq!(json["v"], 1, "{words}");
            if role < entry.spec.role {
                assert_eq!(
                    (reply.status, &json["error"]["kind"]),
                    (403, &Value::from("forbidden")),
                    "{words}"
                );
            } else {
                // Whether it goes well depends on what waits and answers; it was understood and carried out.
                assert!(![401, 403, 405].contains(&reply.status), "{words}: {reply:?}");
                assert!(!reply.body.contains("argument"), "{words}: {reply:?}");
                assert_eq!(json["ok"].is_null(), reply.status != 200, "{words}: {reply:?}");
            }
        }
    }
}

#[test]
fn whoever_only_looks_names_no_server_to_ask() {
    let setting = Setting::start();
    let nobody = setting.desk.ip();
    for (role, forbidden) in [("read-only", true), ("operator", false)] {
        let token = setting.desk_user(&format!("token {role} --role {role}"), "");
        let status = |question: &str| {
            get(&format!("/api/v1/dig?question={}", encoded(question)))
                .bearer(&token)
                .send(setting.desk)
                .status
        };
        for question in [format!("-t tcp @{nobody}:1 a.test"), format!("-s {nobody} a.test")] {
            assert_eq!(status(&question) == 403, forbidden, "{role}: {question}");
        }
        assert_ne!(status("mx a.test"), 403, "{role}");
    }
}

#[test]
fn every_route_has_one_method_and_wants_to_know_who_asks() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    for entry in COMMANDS {
        let route = entry.spec.route;
        let other = match entry.spec.effect {
            Effect::Read => post(route),
            Effect::Change => get(route),
        };
        let reply = other.bearer(&token).send(setting.desk);
        assert_eq!((reply.status, &reply.json()["error"]["kind"]), (405, &Value::from("method")), "{route}");
        assert_eq!(reply.fields("allow").len(), 1, "{route}");
        for stranger in [example(entry), example(entry).bearer("mailreeve_x"), example(entry).bearer("")] {
            let reply = stranger.send(setting.desk);
            assert_eq!(reply.status, 401, "{route}");
            assert_eq!(reply.fields("www-authenticate").len(), 1);
        }
        let more = get(&format!("{route}?no-such-argument=1")).bearer(&token).send(setting.desk);
        assert!([400, 405].contains(&more.status), "{route}: {more:?}");
    }
    for nowhere in ["/api/v1/nothing", "/api/v2/status", "/api", "/status/../../etc/passwd", "/%2e%2e/x"] {
        assert_eq!(get(nowhere).bearer(&token).send(setting.desk).status, 404, "{nowhere}");
    }
    let document = get("/api/v1/openapi.json").bearer(&token).send(setting.desk).json();
    assert!(COMMANDS.iter().all(|entry| document["paths"][entry.spec.route].is_object()));
}

#[test]
fn what_is_asked_by_rest_is_what_the_command_line_prints() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    let rest = get("/api/v1/tophosts?key=conn_out").bearer(&token).send(setting.desk).json();
    let line = setting.gateway.json("tophosts conn_out");
    assert_eq!((&rest["ok"]["key"], &rest["ok"]["hosts"]), (&line["key"], &line["hosts"]));
    let wrong = get("/api/v1/tophosts?key=nonsense").bearer(&token).send(setting.desk);
    assert_eq!((wrong.status, &wrong.json()["error"]["kind"]), (400, &Value::from("invalid")));
    let absent = get("/api/v1/hoststatus?host=never.test").bearer(&token).send(setting.desk);
    assert_eq!((absent.status, &absent.json()["error"]["kind"]), (404, &Value::from("not_found")));
}

#[test]
fn every_change_is_on_record_with_who_and_from_where_and_no_look_is() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    get("/api/v1/status").bearer(&token).send(setting.desk);
    let read_only = setting.desk_user("token looker --role read-only", "");
    post("/api/v1/delivernow").json(r#"{"scope":"example.com"}"#).bearer(&read_only).send(setting.desk);
    post("/api/v1/delivernow").json(r#"{"scope":"all"}"#).bearer(&token).send(setting.desk);
    setting.gateway.command("delivernow example.com");
    wait_until("the record", || setting.gateway.log().contains("from local socket"));
    let log = setting.gateway.log();
    let from = " from 127.";
    for line in [
        &format!(r#"Refused command delivernow {{"host":"example.com"}} by token:looker (read-only){from}"#),
        &format!(r#"Refused command delivernow "all" by token:first (administrator){from}"#),
        "(administrator) from local socket: nothing is waiting",
    ] {
        assert!(log.contains(line), "{line} is not in\n{log}");
    }
    assert!(!log.contains("command status") && !log.contains(&token));
}

#[test]
fn nobody_on_the_local_socket_is_somebody_else() {
    let setting = Setting::start();
    let mut socket =
        std::os::unix::net::UnixStream::connect(setting.gateway.folder.path().join("socket")).unwrap();
    let caller = r#"{"user":"ann","role":"administrator","from":"192.0.2.1"}"#;
    writeln!(socket, r#"{{"v":1,"command":"status","args":{{}},"caller":{caller}}}"#).unwrap();
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).unwrap();
    assert!(answer.contains(r#""kind":"forbidden""#), "{answer}");
}

#[test]
fn what_goes_on_comes_once_a_second_while_somebody_listens() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    let listen = || {
        let mut stream = TcpStream::connect(setting.desk).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = get("/api/v1/stream/delivery-status").bearer(&token);
        stream.write_all(&request.octets(setting.desk)).unwrap();
        BufReader::new(stream).lines().map_while(Result::ok)
    };
    let mut both = [listen(), listen()];
    for lines in &mut both {
        for _ in 0..2 {
            let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
            let state: Value = serde_json::from_str(&data).unwrap();
            assert!(state["status"]["gauges"].is_object() && state["tophosts"]["hosts"].is_array(), "{data}");
        }
    }
    assert_eq!(get("/api/v1/stream/delivery-status").send(setting.desk).status, 401);
}
