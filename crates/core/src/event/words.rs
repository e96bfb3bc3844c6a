//! What a failure says in one line, and which failures are a certificate's.

use super::failure::{Cause, Failure, Stage};

/// What the text of a failure is when the time was over: the stage tells the rest, and so do [`Failure::words`].
const TIMEOUT: &str = "timeout";

impl Failure {
    /// Returns the lines of the reply, without its code, or our own words. A bare timeout says what did not come.
    pub fn words(&self) -> String {
        if self.code == 0 && matches!(&self.text[..], [one] if one == TIMEOUT) {
            return format!("{}: {TIMEOUT}", self.missing());
        }
        self.text.join(" ")
    }

    /// What did not come in time.
    const fn missing(&self) -> &'static str {
        match self.stage {
            Stage::Dns => "no answer of the name service",
            Stage::Connect => "no answer to SYN",
            Stage::Greeting => "no greeting",
            Stage::Ehlo => "no reply to EHLO",
            Stage::StartTls => "no reply to STARTTLS",
            Stage::Auth => "no reply to AUTH",
            Stage::Mail => "no reply to MAIL",
            Stage::Rcpt => "no reply to RCPT",
            Stage::Data => "no reply to DATA",
            Stage::Content => "the content was not taken",
            Stage::Final => "no reply to the content",
            Stage::Local => "too late",
        }
    }
}

impl Cause {
    /// What can be wrong with a certificate that is turned down.
    pub const OF_CERTIFICATES: [Self; 4] = [
        Self::TlsCertificateExpired,
        Self::TlsNameMismatch,
        Self::TlsCertificateUntrusted,
        Self::TlsCertificate,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(stage: Stage, cause: Cause, code: u16, text: &str) -> Failure {
        let text = vec![text.to_owned()];
        Failure { stage, cause, status: (4, 4, 2), code, text, address: None, at: 0 }
    }

    #[test]
    fn a_bare_timeout_says_what_did_not_come() {
        for (stage, cause, words) in [
            (Stage::Connect, Cause::ConnectTimeout, "no answer to SYN: timeout"),
            (Stage::Greeting, Cause::BannerTimeout, "no greeting: timeout"),
            (Stage::Mail, Cause::SmtpTimeout, "no reply to MAIL: timeout"),
            (Stage::Final, Cause::LostAfterData, "no reply to the content: timeout"),
        ] {
            assert_eq!(failure(stage, cause, 0, "timeout").words(), words);
        }
        assert_eq!(failure(Stage::Rcpt, Cause::Reply4xx, 450, "timeout").words(), "timeout", "a peer's own");
        assert_eq!(failure(Stage::Connect, Cause::NoRoute, 0, "No route").words(), "No route");
    }
}
