//! What a retry did: told once, and followed as long as the page is open.

use mailreeve_api::queue::{DeliverNowReply, DeliveryStatusReply, HostStatusReply};
use mailreeve_api::wire::Problem;

use super::delivery_status::PATH;
use super::frame::Frame;
use super::html::Html;
use super::words::{Arg, Words};

/// What became of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Retried {
    /// Recipients became due.
    Due(BecameDue),
    /// The gateway says why not.
    Refused(Problem),
}

/// What became due, and what the counters were before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BecameDue {
    pub(crate) recipients: u64,
    pub(crate) destinations: u64,
    /// Recipients in scope that waited for no instant.
    pub(crate) others: u64,
    pub(crate) before: Ends,
}

/// Counters that tell what came of tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) delivered: u64,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

impl Ends {
    /// Those of the whole gateway.
    pub(crate) const fn of_all(reply: &DeliveryStatusReply) -> Self {
        let totals = &reply.totals;
        Self {
            delivered: totals.delivered_recips,
            soft: totals.soft_bounced_evts,
            hard: totals.hard_bounced_recips,
        }
    }

    /// Those of one destination.
    pub(crate) fn of_host(reply: &HostStatusReply) -> Self {
        let hard = reply.completion.hard();
        Self { delivered: reply.completion.delivered_recips, soft: reply.soft_bounced_evts, hard }
    }

    /// What came since; nothing is known when the counters were reset meanwhile.
    fn since(self, before: Self) -> Option<Self> {
        Some(Self {
            delivered: self.delivered.checked_sub(before.delivered)?,
            soft: self.soft.checked_sub(before.soft)?,
            hard: self.hard.checked_sub(before.hard)?,
        })
    }
}

impl BecameDue {
    /// What the gateway said, with the counters from before.
    pub(crate) const fn of(reply: &DeliverNowReply, before: Ends) -> Self {
        let DeliverNowReply { waiting, recipients, destinations, .. } = reply;
        let others = waiting.saturating_sub(*recipients);
        Self { recipients: *recipients, destinations: *destinations, others, before }
    }

    /// Reads the field `done` of an address.
    pub(crate) fn read(field: &str) -> Option<Self> {
        let numbers: Vec<u64> = field.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        let [recipients, destinations, others, delivered, soft, hard] = numbers[..] else { return None };
        Some(Self { recipients, destinations, others, before: Ends { delivered, soft, hard } })
    }

    /// An address with this in the field `done`.
    pub(crate) fn at(&self, address: &str) -> String {
        let joint = if address.contains('?') { '&' } else { '?' };
        let Self { recipients, destinations, others, before: Ends { delivered, soft, hard } } = self;
        format!("{address}{joint}done={recipients}.{destinations}.{others}.{delivered}.{soft}.{hard}")
    }
}

impl Retried {
    /// The address at which the page reads itself again.
    pub(crate) fn address(done: Option<&Self>, address: String) -> String {
        match done {
            Some(Self::Due(due)) => due.at(&address),
            Some(Self::Refused(_)) | None => address,
        }
    }
}

/// Says what a retry did, and what came of it until now.
pub(crate) fn said(words: &Words, done: Option<&Retried>, now: Ends) -> Html {
    let due = match done {
        None => return Html::new(),
        Some(Retried::Refused(problem)) => {
            return Html::of(
                "<p class=\"said bad\" role=alert><bdi>{}</bdi>. <bdi>{}</bdi></p>",
                &[&problem.message, &problem.hint],
            );
        }
        Some(Retried::Due(due)) => due,
    };
    let args = [
        ("recipients", Arg::Count("recipients", due.recipients)),
        ("destinations", Arg::Count("destinations", due.destinations)),
    ];
    let key = if due.recipients == 0 { "delivery.retried-none" } else { "delivery.retried" };
    let mut html = Html::of("<div class=said><p role=status>{}", &[&words.tell(key, &args)]);
    if due.others > 0 {
        let others = [("recipients", Arg::Count("recipients", due.others))];
        html.put(" {}", &[&words.tell("delivery.retried-others", &others)]);
    }
    html.put("</p><p id=outcome>", &[]);
    if let Some(since) = now.since(due.before) {
        let args = [
            ("delivered", Arg::Count("recipients", since.delivered)),
            ("soft", Arg::Count("tries", since.soft)),
            ("hard", Arg::Count("recipients", since.hard)),
        ];
        let key = if since == Ends::default() { "delivery.since-none" } else { "delivery.since" };
        html.put("{}", &[&words.tell(key, &args)]);
    }
    html.put("</p></div>", &[]);
    html
}

/// A button that makes recipients due, and beside it what it will do.
pub(crate) fn retry_form(
    frame: &Frame<'_>,
    host: Option<&str>,
    waiting: u64,
    key: &'static str,
    back: &str,
) -> Html {
    let words = frame.words;
    let says = if waiting == 0 {
        words.say(&format!("{key}.nothing"))
    } else {
        words.tell(&format!("{key}.says"), &[("recipients", Arg::Count("recipients", waiting))])
    };
    let mut html =
        Html::of("<form class=retry method=post action=\"{}/retry\">{}", &[&PATH, &frame.form_guard()]);
    html.put("<input type=hidden name=back value=\"{}\">", &[&back]);
    if let Some(host) = host {
        html.put("<input type=hidden name=host value=\"{}\">", &[&host]);
    }
    let idle = if waiting == 0 { " disabled" } else { "" };
    html.put(
        "<button class=primary id=retry aria-describedby=retry-says{}>{}</button> <small id=retry-says>{}</small></form>",
        &[&idle, &words.say(key), &says],
    );
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_what_was_done_and_nothing_else() {
        let before = Ends { delivered: 4, soft: 5, hard: 6 };
        let due = BecameDue { recipients: 1, destinations: 2, others: 3, before };
        assert_eq!(due.at("/a"), "/a?done=1.2.3.4.5.6");
        assert_eq!(due.at("/a?b=c"), "/a?b=c&done=1.2.3.4.5.6");
        assert_eq!(BecameDue::read("1.2.3.4.5.6"), Some(due));
        for wrong in ["", "1.2.3.4.5", "1.2.3.4.5.6.7", "1.2.3.4.5.-6", "1.2.3.4.5.<b>"] {
            assert_eq!(BecameDue::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_came_of_it_is_the_difference_and_unknown_after_a_reset() {
        let before = Ends { delivered: 4, soft: 5, hard: 6 };
        let due = Retried::Due(BecameDue { recipients: 9, destinations: 2, others: 1, before });
        let said = |now| said(Words::english(), Some(&due), now).into_string();
        let later = said(Ends { delivered: 8, soft: 6, hard: 6 });
        assert!(later.contains("9 recipients at 2 destinations became due."), "{later}");
        assert!(later.contains("4 recipients delivered, 1 try failed for now, 0 recipients"), "{later}");
        assert!(said(before).contains("Nothing has come of it yet."));
        assert!(said(Ends::default()).ends_with("<p id=outcome></p></div>"));
    }
}
