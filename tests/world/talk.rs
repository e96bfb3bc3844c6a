//! A conversation by hand, one line and one reply at a time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;

/// A conversation by hand: sends each line and collects the reply to it.
pub struct Talk {
    stream: TcpStream,
}

impl Talk {
    pub fn with(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut talk = Self { stream };
        talk.reply();
        talk
    }

    /// Sends a line and returns the whole reply.
    pub fn say(&mut self, line: &str) -> String {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    /// Sends octets; says whether the peer still takes them.
    pub fn try_send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    /// Reads one reply; empty when the peer closed.
    pub fn reply(&mut self) -> String {
        let mut text = String::new();
        let mut octet = [0];
        loop {
            match self.stream.read(&mut octet) {
                Ok(0) | Err(_) => return text,
                Ok(_) => text.push(octet[0] as char),
            }
            if text.ends_with("\r\n") {
                let line = text.trim_end().rsplit("\r\n").next().unwrap_or_default();
                if line.as_bytes().get(3) != Some(&b'-') {
                    return text;
                }
            }
        }
    }

    /// Hands one message over; returns the reply to its content.
    pub fn send_mail(&mut self, from: &str, to: &[&str], content: &str) -> String {
        assert!(self.say(&format!("MAIL FROM:<{from}>")).starts_with("250"));
        for recipient in to {
            let reply = self.say(&format!("RCPT TO:<{recipient}>"));
            assert!(reply.starts_with("250"), "{reply}");
        }
        assert!(self.say("DATA").starts_with("354"));
        self.send(content.as_bytes());
        self.say("\r\n.")
    }
}
