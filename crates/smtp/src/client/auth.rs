//! AUTH at a smarthost (RFC 4954): PLAIN, or LOGIN where only that is offered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Expect, Output, Session};
use crate::reply::{Class, Enhanced, Reply};

/// What the next challenge is answered with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Auth {
    /// Everything was said with the command.
    Said,
    /// LOGIN asks for the user.
    User,
    /// LOGIN asks for the password.
    Password,
}

impl Session {
    pub(super) fn authenticate(&mut self) {
        let Some(credentials) = &self.settings.auth else { return self.ready() };
        if !self.tls && !self.settings.auth_in_clear {
            return self.auth_impossible("credentials are not sent without TLS");
        }
        let offered = &self.capabilities.auth;
        let (command, next) = if offered.iter().any(|mechanism| mechanism == "PLAIN") {
            let response = format!("\0{}\0{}", credentials.user, credentials.password);
            (format!("AUTH PLAIN {}\r\n", STANDARD.encode(response)), Auth::Said)
        } else if offered.iter().any(|mechanism| mechanism == "LOGIN") {
            ("AUTH LOGIN\r\n".to_owned(), Auth::User)
        } else {
            return self.auth_impossible("neither AUTH PLAIN nor AUTH LOGIN is offered");
        };
        self.auth = Some(next);
        self.expected.push_back(Expect::Auth);
        self.outputs.push_back(Output::Write(command.into_bytes()));
    }

    pub(super) fn auth_answered(&mut self, reply: Reply) {
        if reply.class() == Class::Done {
            self.auth = None;
            return self.ready();
        }
        let answer = match (reply.code, self.auth, &self.settings.auth) {
            (334, Some(Auth::User), Some(credentials)) => {
                self.auth = Some(Auth::Password);
                STANDARD.encode(&credentials.user)
            }
            (334, Some(Auth::Password), Some(credentials)) => {
                self.auth = Some(Auth::Said);
                STANDARD.encode(&credentials.password)
            }
            _ => {
                self.outputs.push_back(Output::AuthFailed(reply));
                return self.close();
            }
        };
        self.expected.push_back(Expect::Auth);
        self.outputs.push_back(Output::Write(format!("{answer}\r\n").into_bytes()));
    }

    fn auth_impossible(&mut self, why: &str) {
        let reply = Reply::new(454, Enhanced(4, 7, 0), why);
        self.outputs.push_back(Output::AuthFailed(reply));
        self.close();
    }
}
