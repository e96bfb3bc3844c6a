//! A host to be met, and a raw peer that meets it and says what it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use mailreeve_lab::host::{Authority, Detail, Host, HostPlan, Temper};
use mailreeve_lab::room::Room;

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

pub(crate) fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A host in a room of its own.
pub(crate) struct House {
    pub(crate) host: Host,
    _room: Room,
}

pub(crate) fn house(temper: Temper) -> House {
    let room = Room::open("test").unwrap();
    let detail = Detail::Records { memory: true, content: true, file: None };
    let plan = HostPlan::new(any(), temper).name("mx.house.test").detail(detail);
    let host = Host::start(&room, &Arc::new(Authority::new().unwrap()), plan).unwrap();
    House { host, _room: room }
}

/// A peer that says what it likes.
pub(crate) struct Peer {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Peer {
    pub(crate) fn call(house: &House) -> Self {
        let stream = TcpStream::connect(house.host.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, heard: Vec::new() }
    }

    /// Called, and past EHLO.
    pub(crate) fn greeted(house: &House) -> Self {
        let mut peer = Self::call(house);
        assert_eq!(peer.reply(), "220");
        assert_eq!(peer.ask("EHLO me.test"), "250");
        peer
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r\n"));
        self.reply()
    }

    /// One whole reply; its code.
    pub(crate) fn reply(&mut self) -> String {
        self.whole_reply()[..3].to_owned()
    }

    /// One whole reply, or "" at the end.
    pub(crate) fn whole_reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line();
            reply.push_str(&line);
            if line.is_empty() || line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    pub(crate) fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                return String::from_utf8(self.heard.drain(..=end).collect()).unwrap();
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).unwrap() {
                0 => return String::new(),
                length => self.heard.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// What comes until the end, and how it ends.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, Option<ErrorKind>) {
        let mut rest = std::mem::take(&mut self.heard);
        let end = self.stream.read_to_end(&mut rest).err().map(|error| error.kind());
        (rest, end)
    }

    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let read = self.stream.read(&mut [0; 64]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    pub(crate) fn send_mail(&mut self, rcpt: &str, body: &str) -> String {
        for (line, code) in
            [("MAIL FROM:<a@b.test>", "250"), (&format!("RCPT TO:<{rcpt}>"), "250"), ("DATA", "354")]
        {
            assert_eq!(self.ask(line), code, "{line}");
        }
        self.say(body);
        self.ask(".")
    }
}
