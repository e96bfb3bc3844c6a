//! What a client may not do, seen by a host that counts every breach.

use super::*;

impl Session {
    /// Whether anything may be sent behind this command before its reply (RFC 2920 section 3.1).
    pub(super) fn may_pipeline(&self, command: &Command) -> bool {
        match command {
            Command::Bdat(..) => true,
            Command::Helo(..) | Command::Data | Command::Starttls | Command::Quit | Command::Vrfy => false,
            Command::Mail(_)
            | Command::Rcpt(_)
            | Command::Rset
            | Command::Noop
            | Command::Help
            | Command::Malformed(_)
            | Command::Unknown => self.temper.offers.pipelining,
        }
    }

    /// Notes parameters that the client was not offered.
    pub(super) fn check_params(&mut self, path: &Rcpt) {
        let offers = &self.temper.offers;
        let known = [
            ("SIZE", offers.size.is_some()),
            ("BODY", offers.eight_bit),
            ("SMTPUTF8", offers.smtputf8),
            ("RET", offers.dsn),
            ("ENVID", offers.dsn),
            ("NOTIFY", offers.dsn),
            ("ORCPT", offers.dsn),
        ];
        let offered = |param: &&String| {
            let name = param.split('=').next().unwrap_or("");
            known.iter().any(|(known, offered)| *offered && known.eq_ignore_ascii_case(name))
        };
        let strange: Vec<String> = path.params.iter().filter(|param| !offered(param)).cloned().collect();
        for param in strange {
            self.complain(&format!("the parameter {param} was not offered"));
        }
        if !path.address.is_ascii() && !self.temper.offers.smtputf8 {
            self.complain("an address that is not ASCII, and SMTPUTF8 was not offered");
        }
    }
}
