//! A client of the desk that can send what no browser would.
#![allow(unreachable_pub, missing_docs)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::world::PATIENCE;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// The values of a field, in order.
    pub fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `name=value` of the session's cookie.
    pub fn cookie(&self) -> Option<String> {
        let set = self.fields("set-cookie").into_iter().next()?;
        set.split(';').next().map(str::to_owned)
    }
}

/// A request; its connection is closed after it.
#[derive(Clone, Debug)]
pub struct Request {
    text: String,
    body: String,
}

pub fn get(path: &str) -> Request {
    Request { text: format!("GET {path} HTTP/1.1\r\n"), body: String::new() }
}

pub fn post(path: &str) -> Request {
    Request { text: format!("POST {path} HTTP/1.1\r\n"), body: String::new() }
}

impl Request {
    pub fn with(mut self, field: &str, value: &str) -> Self {
        self.text += &format!("{field}: {value}\r\n");
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self.with("Content-Type", "application/json")
    }

    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.body = pairs.join("&");
        self.with("Content-Type", "application/x-www-form-urlencoded")
    }

    /// The request as it goes out.
    pub fn octets(&self, host: SocketAddr) -> Vec<u8> {
        let Self { text, body } = self;
        format!("{text}Host: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    }

    /// Sends it and reads the answer; `None` when there is none.
    pub fn try_send(&self, to: SocketAddr) -> Option<Reply> {
        let mut stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(&self.octets(to)).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Reply::parse(&String::from_utf8_lossy(&answer))
    }

    pub fn send(&self, to: SocketAddr) -> Reply {
        self.try_send(to).unwrap_or_else(|| panic!("no answer to {:?}", self.text))
    }
}

/// Percent-encoding of all but letters and digits.
pub fn encoded(text: &str) -> String {
    let one = |octet: &u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(*octet).to_string(),
        other => format!("%{other:02X}"),
    };
    text.as_bytes().iter().map(one).collect()
}
