//! How large mail is: log-normal around a median, with a large one now and then.

use crate::words::Dice;

/// The sizes of letters, in octets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Half of the letters are smaller than this.
    pub median: f64,
    /// The spread: the standard deviation of the size's natural logarithm.
    pub sigma: f64,
    /// One letter of so many is large; 0 for none.
    pub large_one_in: u32,
    /// No letter is larger than this. Large ones are between a tenth of it and all of it.
    pub largest: usize,
}

/// The median lies between 4 and 60 KiB, as most letters do.
impl Default for Sizes {
    fn default() -> Self {
        Self { median: 15_000.0, sigma: 0.9, large_one_in: 60, largest: 3 << 20 }
    }
}

/// The smallest letter: a header and a line.
const SMALLEST: usize = 600;

impl Sizes {
    /// Throws a size.
    pub(super) fn throw(&self, dice: &mut Dice) -> usize {
        if self.large_one_in > 0 && dice.below(self.large_one_in as usize) == 0 {
            let least = self.largest / 10;
            return least + dice.below(self.largest - least + 1);
        }
        let size = self.median * (self.sigma * normal(dice)).exp();
        (size as usize).clamp(SMALLEST, self.largest.max(SMALLEST))
    }
}

/// A number of the standard normal distribution (the method of Box and Muller).
fn normal(dice: &mut Dice) -> f64 {
    let distance = (-2.0 * unit(dice).ln()).sqrt();
    distance * (std::f64::consts::TAU * unit(dice)).cos()
}

/// A number above 0 and at most 1.
pub(super) fn unit(dice: &mut Dice) -> f64 {
    ((dice.throw() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_lie_around_the_median_and_some_are_large() {
        let sizes = Sizes::default();
        let mut dice = Dice::new(3);
        let mut thrown: Vec<usize> = (0..10_000).map(|_| sizes.throw(&mut dice)).collect();
        thrown.sort_unstable();
        let at = |share: f64| thrown[(share * 10_000.0) as usize];
        assert!((13_000..18_000).contains(&at(0.5)), "{}", at(0.5));
        // One sigma to both sides: from 15,000 / e^0.9 to 15,000 * e^0.9, and the large ones above.
        assert!((5_400..6_800).contains(&at(0.16)), "{}", at(0.16));
        assert!((34_000..43_000).contains(&at(0.84)), "{}", at(0.84));
        assert!(thrown.iter().filter(|size| **size > 300_000).count() > 100);
        assert!(thrown[0] >= SMALLEST && thrown[9_999] <= sizes.largest);
    }

    #[test]
    fn without_large_ones_there_are_none() {
        let sizes = Sizes { large_one_in: 0, sigma: 0.0, ..Sizes::default() };
        assert!((0..1_000).all(|_| sizes.throw(&mut Dice::new(1)).abs_diff(15_000) <= 1));
    }
}
