//! The letters of a plan, one after the other: who sends, to whom, when, and every octet of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::size::unit;
use super::{Origin, Plan, tongue};
use crate::form::{date, encoded_word};
use crate::record::ID_HEADER;
use crate::words::Dice;

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// When it is to be sent, counted from the start.
    pub at: Duration,
    /// The number of its origin in the plan.
    pub origin: usize,
    /// The envelope's sender.
    pub mail: String,
    /// The recipients, at least one.
    pub rcpts: Vec<String>,
    /// Header and body, with CRLF line ends, without the dots that DATA needs.
    pub content: Vec<u8>,
}

/// The letters of a plan, in the order of sending. There is no end to them where there is an origin.
#[derive(Clone, Debug)]
pub struct Letters {
    plan: Plan,
    dice: Dice,
    run: u32,
    serial: u64,
    /// When the next letter between bursts is due.
    steady: Duration,
    /// The next burst, and the letters of it that are still to come.
    burst: Option<(Duration, u32)>,
    /// Seconds since 1970 at the start, for date fields.
    began: u64,
}

impl Letters {
    /// The letters of `plan`, dated as if it started now.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let burst = plan.burst.map(|burst| (burst.every, burst.letters));
        Self { run: dice.throw() as u32, dice, serial: 0, steady: Duration::ZERO, burst, began, plan }
    }

    /// When the next letter is due, and whether there is a next one at all.
    fn due(&mut self) -> Option<Duration> {
        let steady = (self.plan.rate > 0.0).then_some(self.steady);
        if let (Some((at, left)), Some(plan)) = (self.burst, self.plan.burst)
            && steady.is_none_or(|steady| at <= steady)
        {
            let left = left.saturating_sub(1);
            let every = plan.every.max(Duration::from_millis(1));
            self.burst = Some(if left == 0 { (at + every, plan.letters) } else { (at, left) });
            return (plan.letters > 0).then_some(at);
        }
        let at = steady?;
        // Senders do not know of each other: the time between two letters is exponential.
        let wait = -unit(&mut self.dice).ln() / self.plan.rate;
        self.steady += Duration::from_secs_f64(wait.min(3_600.0));
        Some(at)
    }

    fn rcpts(&mut self, origin: &Origin) -> Vec<String> {
        let Some(domain) = weighted(&mut self.dice, &origin.to, |to| to.1).map(|to| to.0.clone()) else {
            return Vec::new();
        };
        let several = self.dice.below(5) == 0;
        let count = if several { 1 + self.dice.below(self.plan.recipients.max(1)) } else { 1 };
        let first = self.dice.below(NAMES.len());
        (0..count).map(|number| format!("{}@{domain}", name(first + number))).collect()
    }

    fn content(&mut self, mail: &str, rcpts: &[String], at: Duration) -> Vec<u8> {
        let tongue = tongue::throw(&mut self.dice);
        let size = self.plan.sizes.throw(&mut self.dice);
        let subject = encoded_word(&tongue.subject(&mut self.dice));
        let id = format!("{:08x}{:014x}", self.run, self.serial);
        let domain = mail.rsplit('@').next().unwrap_or("lab.test");
        let header = format!(
            "{ID_HEADER}: {id}\r\nMessage-ID: <{id}@{domain}>\r\nDate: {}\r\nFrom: <{mail}>\r\nTo: <{}>\r\n\
             Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\nContent-Language: {}\r\n\r\n",
            date(self.began + at.as_secs()),
            rcpts.join(">,\r\n <"),
            tongue.tag
        );
        let body = tongue.body(&mut self.dice, size.saturating_sub(header.len()));
        [header, body].concat().into_bytes()
    }
}

impl Iterator for Letters {
    type Item = Letter;

    fn next(&mut self) -> Option<Letter> {
        let numbers: Vec<usize> = (0..self.plan.origins.len()).collect();
        let weight = |number: &usize| self.plan.origins.get(*number).map_or(0, |origin| origin.weight);
        let number = *weighted(&mut self.dice, &numbers, weight)?;
        let origin = self.plan.origins.get(number)?.clone();
        let at = self.due()?;
        let rcpts = self.rcpts(&origin);
        if rcpts.is_empty() {
            return None;
        }
        let sender = self.dice.below(NAMES.len());
        let mail = format!("{}@{}", name(sender), origin.domain);
        self.serial += 1;
        let content = self.content(&mail, &rcpts, at);
        Some(Letter { at, origin: number, mail, rcpts, content })
    }
}

/// One of `choices`, each as often as its weight says.
fn weighted<'a, T>(dice: &mut Dice, choices: &'a [T], weight: impl Fn(&T) -> u32) -> Option<&'a T> {
    let sum: usize = choices.iter().map(|choice| weight(choice) as usize).sum();
    if sum == 0 {
        return None;
    }
    let mut place = dice.below(sum);
    choices.iter().find(|choice| {
        let weight = weight(choice) as usize;
        let here = place < weight;
        place = place.saturating_sub(weight);
        here
    })
}

fn name(number: usize) -> &'static str {
    NAMES.get(number % NAMES.len()).copied().unwrap_or("postmaster")
}

/// Local parts, as people and desks have them.
const NAMES: [&str; 20] = [
    "ana.ruiz",
    "orders",
    "j.devries",
    "mei.lin",
    "support",
    "haruka",
    "k.park",
    "press",
    "maud",
    "accounts",
    "tomas",
    "warehouse",
    "e.okafor",
    "hello",
    "ines",
    "sofie",
    "front.desk",
    "y.tanaka",
    "bo",
    "workshop",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::Burst;
    use super::*;

    fn plan() -> Plan {
        let origin = |domain: &str, to: &str, weight| Origin {
            address: None,
            helo: domain.to_owned(),
            domain: domain.to_owned(),
            to: vec![(to.to_owned(), 3), ("rare.test".to_owned(), 1), ("never.test".to_owned(), 0)],
            weight,
        };
        let plan = Plan { rate: 10.0, seed: 4, ..Plan::new(([127, 0, 0, 1], 25).into()) };
        plan.origin(origin("one.test", "two.test", 3)).origin(origin("two.test", "one.test", 1))
    }

    #[test]
    fn the_same_seed_writes_the_same_letters() {
        let mut other = Letters::new(plan());
        let letters = Letters::new(plan());
        // Dates are those of the clock.
        other.began = letters.began;
        assert!(letters.take(50).eq(other.take(50)));
        let first = |seed| Letters::new(Plan { seed, ..plan() }).next().unwrap();
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn rate_weights_and_recipients_are_as_planned() {
        let letters: Vec<Letter> = Letters::new(plan()).take(2_000).collect();
        let seconds = letters.last().unwrap().at.as_secs_f64();
        assert!((180.0..220.0).contains(&seconds), "{seconds}");
        let share = |holds: &dyn Fn(&Letter) -> bool| letters.iter().filter(|one| holds(one)).count();
        assert!((1_400..1_600).contains(&share(&|one| one.origin == 0)));
        assert!((420..580).contains(&share(&|one| one.rcpts[0].ends_with("@rare.test"))));
        assert_eq!(share(&|one| one.rcpts[0].ends_with("@never.test")), 0);
        assert!((200..500).contains(&share(&|one| one.rcpts.len() > 1)));
        assert!(share(&|one| one.rcpts.len() > 5) == 0);
        assert!(letters.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn bursts_come_on_top_of_the_rate() {
        let burst = Burst { every: Duration::from_secs(10), letters: 25 };
        let letters: Vec<Letter> = Letters::new(Plan { burst: Some(burst), ..plan() })
            .take_while(|one| one.at.as_secs() < 35)
            .collect();
        for at in [10, 20, 30] {
            let here = letters.iter().filter(|one| one.at == Duration::from_secs(at)).count();
            assert_eq!(here, 25, "{at}");
        }
        assert!((350..550).contains(&letters.len()), "{}", letters.len());
        let only = Letters::new(Plan { rate: 0.0, burst: Some(burst), ..plan() });
        assert_eq!(only.take(26).last().unwrap().at, Duration::from_secs(20));
    }

    #[test]
    fn letters_look_like_mail() {
        let letters: Vec<Letter> = Letters::new(plan()).take(300).collect();
        let mut subjects = std::collections::HashSet::new();
        for letter in &letters {
            let text = std::str::from_utf8(&letter.content).unwrap();
            let (header, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(header.is_ascii() && header.lines().all(|line| line.len() <= 998), "{header}");
            assert!(body.ends_with("\r\n") && !body.replace("\r\n", "").contains(['\r', '\n']));
            subjects.insert(header.lines().find(|line| line.starts_with("Subject: ")).unwrap().to_owned());
        }
        assert!(subjects.iter().filter(|subject| subject.contains("=?utf-8?")).count() > 20, "{subjects:?}");
        assert!(subjects.len() > 100);
        let tags = ["en", "zh-Hant", "ja", "ko", "es", "nl"];
        for tag in tags {
            let field = format!("Content-Language: {tag}\r\n");
            assert!(
                letters.iter().any(|one| memchr::memmem::find(&one.content, field.as_bytes()).is_some()),
                "{tag}"
            );
        }
    }

    #[test]
    fn nobody_sends_nothing() {
        let silent = Plan { origins: Vec::new(), ..plan() };
        assert_eq!(Letters::new(silent).next(), None);
    }
}
