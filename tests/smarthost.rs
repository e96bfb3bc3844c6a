//! A smarthost that wants a password: it gets the one of its file, inside TLS only.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use base64::Engine as _;
use mailreeve_lab::host::{Act, Offers, Reply, Rule, Stage, Temper};
use rustls::{ServerConnection, StreamOwned};
use world::places::mail_to;
use world::tls::tls_server;
use world::{Gateway, address, wait_until};

/// A smarthost that speaks TLS from the first byte and wants a password; tells what it was told.
fn smarthost(at: SocketAddr) -> Receiver<String> {
    let config = tls_server("smarthost.test");
    let listener = TcpListener::bind(at).unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let stream = StreamOwned::new(connection, stream.unwrap());
            let mut reader = BufReader::new(stream);
            let say = |reader: &mut BufReader<StreamOwned<_, _>>, text: &str| {
                reader.get_mut().write_all(text.as_bytes()).and_then(|()| reader.get_mut().flush()).is_ok()
            };
            say(&mut reader, "220 smarthost.test\r\n");
            let (mut line, mut in_data) = (String::new(), false);
            while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                let _ = tell.send(line.trim_end().to_owned());
                let word = line.split([' ', '\r']).next().unwrap_or_default().to_uppercase();
                let reply = match (in_data, word.as_str()) {
                    (true, ".") => Some("250 2.0.0 taken\r\n"),
                    (true, _) => None,
                    (false, "EHLO") => Some("250-smarthost.test\r\n250 AUTH PLAIN LOGIN\r\n"),
                    (false, "AUTH") => Some("235 2.7.0 welcome\r\n"),
                    (false, "DATA") => Some("354 go on\r\n"),
                    (false, _) => Some("250 2.0.0 so be it\r\n"),
                };
                in_data = if in_data { word != "." } else { word == "DATA" };
                if reply.is_some_and(|reply| !say(&mut reader, reply)) {
                    break;
                }
                line.clear();
            }
        }
    });
    told
}

#[test]
fn a_smarthost_gets_the_password_of_its_file_inside_tls() {
    let at = SocketAddr::new(address(), 2465);
    let told = smarthost(at);
    let mut gateway = Gateway::prepare("");
    let file = gateway.folder.path().join("password");
    fs::write(&file, "s3cret word\n").unwrap();
    gateway.configure(&format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n[[route]]\ndomain = \"ALL\"\nto = [\"[{}]:{}\"]\n\
         credentials = \"smart\"\ntls = \"implicit\"\n\
         [[credentials]]\nname = \"smart\"\nuser = \"gw@example.com\"\npassword_file = \"{}\"\n",
        at.ip(),
        at.port(),
        file.display()
    ));
    gateway.run();
    mail_to(&gateway, &["b@example.com"]);
    wait_until("the queue is empty", || gateway.active() == 0);
    let said: Vec<String> = told.try_iter().collect();
    let auth = said.iter().find(|line| line.starts_with("AUTH PLAIN ")).expect("AUTH PLAIN");
    let answer = base64::engine::general_purpose::STANDARD.decode(&auth["AUTH PLAIN ".len()..]).unwrap();
    assert_eq!(answer, b"\0gw@example.com\0s3cret word");
    assert!(said.iter().any(|line| line.starts_with("RCPT TO:<b@example.com>")), "{said:?}");
    // The password is nowhere in what the gateway writes.
    assert!(!gateway.log().contains("s3cret") && !gateway.errors().contains("s3cret"));
}

#[test]
fn a_password_is_never_sent_in_clear() {
    let mut gateway = Gateway::prepare("");
    let file = gateway.folder.path().join("password");
    fs::write(&file, "s3cret").unwrap();
    let mut temper = Temper::healthy();
    temper.offers = Offers { more: vec!["AUTH PLAIN LOGIN".to_owned()], ..Offers::default() };
    let sink = world::places::sink();
    sink.change(temper.rule(Rule::new(Stage::Mail, Act::Reply(Reply::new(530).enhanced("5.7.0")))));
    gateway.configure(&format!(
        "{}credentials = \"smart\"\n[[credentials]]\nname = \"smart\"\nuser = \"u\"\npassword_file = \"{}\"\n",
        world::places::all_to(sink.address()),
        file.display()
    ));
    gateway.run();
    mail_to(&gateway, &["b@example.com"]);
    wait_until("it was tried", || sink.connections() > 0);
    wait_until("it waits", || gateway.json("showrecipients all")["recipients"][0]["next_us"].is_u64());
    assert!(sink.complaints().is_empty(), "{:?}", sink.complaints());
    assert_eq!(sink.sums().messages, 0);
}
