//! Words and dice: names and reply texts that vary from run to run, and can be had again from their seed.
//!
//! Nothing here is random in the sense of secrets.

/// A seeded source of numbers (the SplitMix64 sequence).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice that throw the same sequence whenever `seed` is the same.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn throw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 for a limit of 0.
    pub const fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.throw() % limit as u64) as usize }
    }

    /// One of `choices`, or the empty string if there is none.
    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = self.below(choices.len());
        choices.get(index).copied().unwrap_or("")
    }

    /// A host label such as `copper-heron`.
    pub fn label(&mut self) -> String {
        format!("{}-{}", self.pick(&SHADES), self.pick(&CREATURES))
    }

    /// Something that a host says about `topic`, in one of its many wordings.
    pub fn remark(&mut self, topic: Topic) -> String {
        let choices = topic.remarks();
        choices.get(self.below(choices.len())).copied().unwrap_or_default().to_owned()
    }

    /// A name for a list of bad senders, such as `lapwing.blocklist.test`.
    pub fn list_name(&mut self) -> String {
        format!("{}.{}.test", self.pick(&CREATURES), self.pick(&LISTS))
    }

    /// A sentence without meaning, for the text of a reply.
    pub fn sentence(&mut self) -> String {
        format!(
            "the {} {} {} the {}",
            self.pick(&SHADES),
            self.pick(&CREATURES),
            self.pick(&DEEDS),
            self.pick(&PLACES)
        )
    }
}

/// What a reply is about, where it is about something. `{peer}` in a remark is the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Come back when there is less to do.
    Busy,
    /// This client is not wanted.
    Unwelcome,
    /// Nobody gets mail here.
    NoMail,
    /// Strangers are to try again.
    Greylisted,
    /// No room is left in a mailbox.
    BoxFull,
    /// There is no such mailbox.
    NoSuchBox,
    /// Too much at once from one client.
    TooFast,
    /// The client's address is on a list; the list's name follows.
    Listed,
}

impl Topic {
    const fn remarks(self) -> &'static [&'static str] {
        match self {
            Self::Busy => &["busy just now, please call again", "too many guests, come back in a while"],
            Self::Unwelcome => &["we do not talk to {peer}", "no mail from your side of the river, please"],
            Self::NoMail => &["this machine takes no mail, ever", "nobody lives here"],
            Self::Greylisted => &[
                "greylisted, please try again in a moment",
                "we have not met before: come back a little later",
                "deferred until we know {peer} better, retry soon",
            ],
            Self::BoxFull => &[
                "that mailbox is full",
                "over quota, there is no room for another letter",
                "mailbox has used up its storage",
            ],
            Self::NoSuchBox => &["no such mailbox here", "user unknown", "we know nobody of that name"],
            Self::TooFast => &[
                "rate limit reached, slow down",
                "too many messages from {peer}, try later",
                "you are sending faster than we read",
            ],
            Self::Listed => &[
                "{peer} is blocked because it is listed at",
                "mail from {peer} refused, see block list",
                "your address has a bad name with",
            ],
        }
    }
}

/// A seed from the clock, for runs that need not be repeated.
#[must_use]
pub fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64 ^ (u64::from(std::process::id()) << 40)
}

const LISTS: [&str; 4] = ["blocklist", "dnsbl", "rbl", "bad-senders"];
const SHADES: [&str; 24] = [
    "amber", "ashen", "azure", "bronze", "chalk", "cobalt", "copper", "coral", "crimson", "dusky", "flint",
    "golden", "hazel", "indigo", "ivory", "lilac", "mossy", "olive", "pearl", "russet", "sable", "scarlet",
    "slate", "umber",
];
const CREATURES: [&str; 24] = [
    "badger", "beetle", "bittern", "curlew", "dormouse", "falcon", "gannet", "hedgehog", "heron", "ibex",
    "jackdaw", "kestrel", "lapwing", "marten", "newt", "otter", "plover", "quail", "raven", "shrew", "stoat",
    "teal", "vole", "wren",
];
const DEEDS: [&str; 16] = [
    "counts", "crosses", "finds", "follows", "guards", "hears", "keeps", "leaves", "maps", "mends", "paints",
    "passes", "reaches", "sees", "sketches", "visits",
];
const PLACES: [&str; 16] = [
    "bridge", "cellar", "chapel", "dune", "fen", "garden", "harbour", "heath", "island", "ladder", "meadow",
    "mill", "orchard", "quarry", "tower", "weir",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_words() {
        let mut first = Dice::new(7);
        let mut second = Dice::new(7);
        for _ in 0..100 {
            assert_eq!(first.sentence(), second.sentence());
        }
        assert_ne!(Dice::new(8).throw(), Dice::new(9).throw());
    }

    #[test]
    fn a_limit_of_nothing_gives_nothing() {
        let mut dice = Dice::new(1);
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.pick(&[]), "");
        assert!((0..1000).all(|_| dice.below(3) < 3));
    }
}
