//! Kill -9 under load, again and again: no acknowledged message is lost or altered.
//!
//! What is promised (laws 2 and 4): a message whose 250 arrived is delivered, whole, to every recipient; what
//! arrives twice was being delivered when the process died, and is still the same message. What is not: that
//! a message whose 250 did not arrive is not delivered.
//!
//! The test is a short campaign. `scripts/proof kill --minutes N` is a long one of the same code: it calls
//! the test that is ignored here.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod siege;
mod world;

use std::time::{Duration, Instant};

use siege::{Siege, Sum};

/// Kills between two comparisons of a campaign: bounds its memory and its disk.
const KILLS_A_SIEGE: u32 = 40;

#[test]
fn thirty_kills_lose_nothing() {
    let mut sum = Sum::default();
    sum.add(Siege::begin(11).endure(30, None));
    println!("{}", sum.to_json());
    assert_eq!(sum.broken(), Vec::<String>::new());
}

/// Reads `KILL_SECONDS`, `KILL_COUNT` (whichever is over first ends it) and `KILL_SEED`; its last line is JSON.
#[test]
#[ignore = "a campaign: scripts/proof kill"]
fn campaign() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let end = number("KILL_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let wanted = number("KILL_COUNT").map_or(u32::MAX, |count| u32::try_from(count).unwrap());
    assert!(end.is_some() || wanted < u32::MAX, "KILL_SECONDS or KILL_COUNT must be given");
    let mut seed = number("KILL_SEED").unwrap_or(1);
    let mut sum = Sum::default();
    while sum.kills() < wanted && end.is_none_or(|end| Instant::now() < end) {
        let kills = KILLS_A_SIEGE.min(wanted - sum.kills());
        sum.add(Siege::begin(seed).endure(kills, end));
        seed = seed.wrapping_add(1);
    }
    println!("{}", sum.to_json());
    assert_eq!(sum.broken(), Vec::<String>::new());
}
