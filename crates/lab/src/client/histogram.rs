//! Latencies, counted in buckets that are at most 3 % wide.

/// Buckets for each power of two.
const FINE: u32 = 32;
/// Powers of two that are told apart: up to more than an hour in microseconds.
const POWERS: u32 = 32;

/// A histogram of microseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    total_us: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; (POWERS * FINE) as usize], count: 0, total_us: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Adds one value.
    pub fn add(&mut self, us: u64) {
        let index = bucket(us).min(self.buckets.len() - 1);
        self.buckets[index] += 1;
        self.count += 1;
        self.total_us += us;
        self.max_us = self.max_us.max(us);
    }

    /// How many values there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The largest value.
    #[must_use]
    pub const fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The mean; 0 where there is nothing.
    #[must_use]
    pub fn mean_us(&self) -> u64 {
        self.total_us.checked_div(self.count).unwrap_or(0)
    }

    /// The value that this share of all values does not exceed, to 3 %.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> u64 {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return ceiling(index).min(self.max_us);
            }
        }
        self.max_us
    }
}

/// Values below [`FINE`] have a bucket each; above, each power of two is cut into [`FINE`] parts.
fn bucket(us: u64) -> usize {
    let fine_bits = FINE.trailing_zeros();
    if us < u64::from(FINE) {
        return us as usize;
    }
    let power = 63 - us.leading_zeros();
    let part = (us >> (power - fine_bits)) - u64::from(FINE);
    ((power - fine_bits + 1) * FINE) as usize + part as usize
}

/// The largest value of a bucket.
fn ceiling(index: usize) -> u64 {
    let fine = FINE as usize;
    if index < fine {
        return index as u64;
    }
    let shift = index / fine - 1;
    let part = (index % fine + fine) as u64;
    ((part + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_its_bucket() {
        for us in (0..20_000).chain([1 << 20, (1 << 30) + 7, (1 << 35) + 1]) {
            let index = bucket(us);
            assert!(us <= ceiling(index), "{us}");
            assert!(index == 0 || us > ceiling(index - 1), "{us}");
            assert!(ceiling(index) - us <= us / 16 + 1, "{us}");
        }
    }

    #[test]
    fn quantiles_of_a_known_set() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile_us(0.5), 0);
        for us in 1..=1000 {
            histogram.add(us);
        }
        let near = |value: u64, wanted: u64| value.abs_diff(wanted) * 100 <= wanted * 4;
        assert!(near(histogram.quantile_us(0.5), 500));
        assert!(near(histogram.quantile_us(0.99), 990));
        assert_eq!(histogram.quantile_us(1.0), 1000);
        assert_eq!((histogram.count(), histogram.max_us(), histogram.mean_us()), (1000, 1000, 500));
    }
}
