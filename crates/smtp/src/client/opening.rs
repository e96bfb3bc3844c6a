//! From the greeting to the first transaction: EHLO or HELO, STARTTLS, AUTH.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Session;
use super::capabilities::Capabilities;
use super::output::{Output, Stage};
use super::settings::{Credentials, TlsDemand};
use super::state::{AuthStep, State};
use super::step::unfit;
use crate::reply::{Class, Reply};

impl Session {
    pub(super) fn greeted(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done => self.say_ehlo(),
            Class::Intermediate => self.fail(Stage::Greeting, unfit("the connection", &reply)),
            Class::Transient | Class::Permanent => self.refused(reply.code, Output::GreetingRejected(reply)),
        }
    }

    pub(super) fn say_ehlo(&mut self) {
        self.say(&["EHLO ", &self.settings.helo.clone()], State::EhloReply);
    }

    pub(super) fn ehlo_answered(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done => {
                self.capabilities = Capabilities::parse(&reply);
                self.secure();
            }
            // Any 5xx: servers that know no EHLO say 500 and 502, some say 504 or 550 (RFC 5321 3.2).
            Class::Permanent => self.say(&["HELO ", &self.settings.helo.clone()], State::HeloReply),
            Class::Transient => self.refused(reply.code, Output::HelloRejected(reply)),
            Class::Intermediate => self.fail(Stage::Ehlo, unfit("EHLO", &reply)),
        }
    }

    pub(super) fn helo_answered(&mut self, reply: Reply) {
        match reply.class() {
            Class::Done => self.secure(),
            Class::Transient | Class::Permanent => self.refused(reply.code, Output::HelloRejected(reply)),
            Class::Intermediate => self.fail(Stage::Ehlo, unfit("HELO", &reply)),
        }
    }

    pub(super) fn starttls_answered(&mut self, reply: &Reply) {
        match (reply.code, reply.class()) {
            (220, _) => self.start_handshake(true),
            (code, Class::Transient | Class::Permanent) => {
                self.tls_unavailable(code, format!("STARTTLS was refused: {reply}"));
            }
            (_, Class::Done | Class::Intermediate) => self.fail(Stage::StartTls, unfit("STARTTLS", reply)),
        }
    }

    pub(super) fn start_handshake(&mut self, greeted: bool) {
        self.outputs.push_back(Output::StartTls);
        self.state = State::Handshake { greeted };
    }

    pub(super) fn auth_answered(&mut self, step: AuthStep, reply: Reply) {
        let Some(credentials) = self.settings.auth.clone() else { return self.ready() };
        match (step, reply.code, reply.class()) {
            (AuthStep::Plain, 334, _) => {
                self.say(&[&plain(&credentials)], State::AuthReply(AuthStep::Verdict))
            }
            (AuthStep::User, 334, _) => {
                self.say(&[&BASE64.encode(credentials.user)], State::AuthReply(AuthStep::Password));
            }
            (AuthStep::Password, 334, _) => {
                self.say(&[&BASE64.encode(credentials.password)], State::AuthReply(AuthStep::Verdict));
            }
            (AuthStep::Plain | AuthStep::Verdict, _, Class::Done) => self.ready(),
            (_, code, Class::Transient | Class::Permanent) => self.refused(code, Output::AuthFailed(reply)),
            (_, _, Class::Done | Class::Intermediate) => self.fail(Stage::Auth, unfit("AUTH", &reply)),
        }
    }

    /// EHLO is done: goes on with STARTTLS where it is wanted and possible.
    fn secure(&mut self) {
        match (self.settings.tls, self.tls, self.capabilities.starttls) {
            (_, true, _) | (TlsDemand::Never, ..) | (TlsDemand::Opportunistic, _, false) => self.log_in(),
            (TlsDemand::Opportunistic | TlsDemand::Required, false, true) => {
                self.say(&["STARTTLS"], State::StartTlsReply);
            }
            (TlsDemand::Required, false, false) => {
                self.tls_unavailable(0, "STARTTLS is not offered".to_owned());
            }
        }
    }

    fn tls_unavailable(&mut self, code: u16, why: String) {
        match self.settings.tls {
            TlsDemand::Required => self.refused(code, Output::TlsUnavailable(why)),
            TlsDemand::Never | TlsDemand::Opportunistic if code == 421 => {
                self.refused(code, Output::TlsUnavailable(why));
            }
            TlsDemand::Never | TlsDemand::Opportunistic => {
                self.outputs.push_back(Output::TlsUnavailable(why));
                self.log_in();
            }
        }
    }

    fn log_in(&mut self) {
        let Some(credentials) = self.settings.auth.clone() else { return self.ready() };
        let offered = &self.capabilities;
        let cannot = if !self.tls && !credentials.allow_clear {
            "credentials are not sent without TLS"
        } else if offered.auth_plain {
            let response = plain(&credentials);
            return self.say(&["AUTH PLAIN ", &response], State::AuthReply(AuthStep::Plain));
        } else if offered.auth_login {
            return self.say(&["AUTH LOGIN"], State::AuthReply(AuthStep::User));
        } else {
            "neither AUTH PLAIN nor AUTH LOGIN is offered"
        };
        self.fail(Stage::Auth, cannot.to_owned());
    }

    fn ready(&mut self) {
        self.outputs.push_back(Output::Ready);
        self.begin_waiting();
    }

    /// Writes one command line and waits for its reply.
    pub(super) fn say(&mut self, words: &[&str], then: State) {
        let mut line = words.concat().into_bytes();
        line.extend_from_slice(b"\r\n");
        self.outputs.push_back(Output::Write(line));
        self.state = then;
    }
}

/// The response of PLAIN: no authorization identity, user, password (RFC 4616 2).
fn plain(credentials: &Credentials) -> String {
    BASE64.encode(format!("\0{}\0{}", credentials.user, credentials.password))
}
