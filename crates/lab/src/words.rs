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

/// A seed from the clock, for runs that need not be repeated.
#[must_use]
pub fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64 ^ (u64::from(std::process::id()) << 40)
}

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
