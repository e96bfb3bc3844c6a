//! How a temper has its way: which rule applies to an event, and what becomes of the event then.

use super::super::temper::matches;
use super::*;

impl Session {
    /// Asks the temper, then does what it says, now or after its delay.
    pub(super) fn event(&mut self, event: Event) -> Option<Step> {
        let mut act = Act::Proceed;
        let mut delay = Duration::ZERO;
        if !self.temper.rules.is_empty()
            && let Some(number) = self.rule_for(&event)
        {
            let rule = &self.temper.rules[number];
            (act, delay) = (rule.act.clone(), rule.delay);
            self.pace = rule.pace.or(self.pace);
        }
        if delay.is_zero() {
            return self.carry_out(event, act);
        }
        self.due = Some((event, act));
        Some(Step::Wait(delay))
    }

    /// The number of the first rule that applies.
    fn rule_for(&mut self, event: &Event) -> Option<usize> {
        let temper = self.temper.clone();
        let stage = event.stage();
        temper.rules.iter().enumerate().filter(|(_, rule)| rule.stage == stage).find_map(|(number, rule)| {
            let addresses = self.addresses(event);
            let fits =
                |address: &&str| rule.address.as_deref().is_none_or(|pattern| matches(pattern, address));
            let address = addresses.into_iter().find(fits)?.to_owned();
            let hits = self.hits.get_mut(number)?;
            *hits += 1;
            self.ledger.applies(number, rule, &address, *hits).then_some(number)
        })
    }

    /// The addresses that a rule at this event may name; one empty address where there are none.
    fn addresses<'a>(&'a self, event: &'a Event) -> Vec<&'a str> {
        match event {
            Event::Mail(path) | Event::Rcpt(path) => vec![&path.address],
            Event::Data | Event::Chunk(..) | Event::Final(_) => {
                let rcpts = self.envelope.iter().flat_map(|envelope| &envelope.rcpts);
                let addresses: Vec<&str> = rcpts.map(|rcpt| rcpt.address.as_str()).collect();
                if addresses.is_empty() { vec![""] } else { addresses }
            }
            Event::Banner | Event::Helo(..) | Event::Starttls | Event::Rset | Event::Quit => vec![""],
        }
    }

    pub(super) fn carry_out(&mut self, event: Event, act: Act) -> Option<Step> {
        match act {
            Act::Proceed => self.proceed(event),
            Act::SwallowReply => {
                let sent = self.out.len();
                self.proceed(event);
                self.out.truncate(sent);
                Some(Step::End(Ending::Close))
            }
            Act::End(ending) => Some(Step::End(ending)),
            Act::Raw(bytes, times) => {
                self.after_refusal(&event);
                for _ in 0..times {
                    self.out.extend_from_slice(&bytes);
                }
                None
            }
            Act::Reply(reply) => {
                let banner = matches!(event, Event::Banner);
                self.rejected |= banner && reply.code >= 500;
                let leaves =
                    reply.code == 421 || matches!(event, Event::Quit) || (banner && reply.code == 521);
                self.after_refusal(&event);
                self.reply(&reply);
                leaves.then_some(Step::End(Ending::Close))
            }
        }
    }
}

impl Event {
    const fn stage(&self) -> Stage {
        match self {
            Self::Banner => Stage::Banner,
            Self::Helo(..) => Stage::Helo,
            Self::Starttls => Stage::Starttls,
            Self::Mail(_) => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data | Self::Chunk(..) => Stage::Data,
            Self::Final(_) => Stage::Final,
            Self::Rset => Stage::Rset,
            Self::Quit => Stage::Quit,
        }
    }
}
