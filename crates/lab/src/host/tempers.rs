//! Tempers that operators meet often enough to have a name for them.

use std::time::Duration;

use super::reply::Reply;
use super::temper::{Act, Rule, Span, Stage, Temper};
use crate::words::Topic;

impl Temper {
    /// Says 421 instead of a banner: too much to do.
    #[must_use]
    pub fn busy() -> Self {
        Self::refusing(Stage::Banner, Reply::new(421).enhanced("4.3.2").about(Topic::Busy))
    }

    /// Says 554 instead of a banner: this client is not wanted.
    #[must_use]
    pub fn unwelcoming() -> Self {
        Self::refusing(Stage::Banner, Reply::new(554).enhanced("5.7.1").about(Topic::Unwelcome))
    }

    /// Says 521 instead of a banner: no mail here, for nobody (RFC 7504).
    #[must_use]
    pub fn without_mail() -> Self {
        Self::refusing(Stage::Banner, Reply::new(521).about(Topic::NoMail))
    }

    /// Answers 451 4.7.1 for so long since the first try for a recipient.
    #[must_use]
    pub fn greylisting_for(span: Duration) -> Self {
        let act = Act::Reply(Reply::new(451).enhanced("4.7.1").about(Topic::Greylisted));
        Self::healthy().rule(Rule::new(Stage::Rcpt, act).span(Span::TimePerAddress(span)))
    }

    /// Has no room left in any mailbox: 452 4.2.2.
    #[must_use]
    pub fn full() -> Self {
        Self::refusing(Stage::Rcpt, Reply::new(452).enhanced("4.2.2").about(Topic::BoxFull))
    }

    /// Knows no mailbox: 550 5.1.1.
    #[must_use]
    pub fn knowing_nobody() -> Self {
        Self::refusing(Stage::Rcpt, Reply::new(550).enhanced("5.1.1").about(Topic::NoSuchBox))
    }

    /// Refuses senders because a block list of this name lists the client: 554 5.7.1 at MAIL.
    #[must_use]
    pub fn blocklisting(list: &str) -> Self {
        let reply = Reply::new(554).enhanced("5.7.1").about(Topic::Listed).text(list);
        Self::refusing(Stage::Mail, reply)
    }

    /// Closes after the content, before its reply; the message is lost on it.
    #[must_use]
    pub fn losing_after_data() -> Self {
        Self::healthy().at(Stage::Final, Act::End(super::Ending::Close))
    }
}
