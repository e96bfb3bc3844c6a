#![allow(clippy::unwrap_used)]

use super::*;

const BROWSER: Digest = [7; 32];

fn account(name: &str) -> Account {
    (name.to_owned(), 1)
}

fn at(last: u32) -> IpAddr {
    IpAddr::from((0xc000_0200 + last).to_be_bytes())
}

/// Wrong attempts until one is refused.
fn lock(throttle: &mut Throttle, name: &str, address: IpAddr, now: Instant) -> u32 {
    (0..).find(|_| throttle.attempt(&account(name), address, None, now).is_err()).unwrap()
}

#[test]
fn ten_wrong_attempts_lock_a_name_where_they_came_from_for_a_quarter_of_an_hour() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    for number in 1..=10 {
        let admitted = throttle.attempt(&account("ann"), at(1), None, now).unwrap();
        assert_eq!((admitted.locks_name, admitted.locks_address), (number == 10, false));
        assert_eq!((admitted.delay, admitted.pause), (STEP * number, Duration::ZERO));
    }
    assert_eq!(throttle.attempt(&account("ann"), at(1), None, now), Err(SPAN));
    let later = now + SPAN - Duration::from_secs(1);
    assert_eq!(throttle.attempt(&account("ann"), at(1), None, later), Err(Duration::from_secs(1)));
    assert!(throttle.attempt(&account("ann"), at(1), None, now + SPAN).is_ok());
    // Elsewhere the name is usable, and here are other names.
    assert!(throttle.attempt(&account("ann"), at(2), None, now).is_ok());
    assert!(throttle.attempt(&account("bob"), at(1), None, now).is_ok());
}

#[test]
fn nobody_is_kept_out_by_attempts_from_everywhere() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    let here = throttle.attempt(&account("admin"), at(1), None, now).unwrap();
    throttle.right(&here, BROWSER, now);
    let mut slowed = 0;
    for number in 1..5_000 {
        for _ in 0..ATTEMPTS {
            let admitted = throttle.attempt(&account("admin"), at(100 + number), None, now).unwrap();
            slowed += u32::from(admitted.slows_name);
        }
        assert_eq!(lock(&mut throttle, "admin", at(100 + number), now), 0);
    }
    assert_eq!(slowed, 1, "told once");
    // From a place that nobody knows it takes a little longer; where the user came in it does not.
    let elsewhere = throttle.attempt(&account("admin"), at(2), None, now).unwrap();
    assert_eq!((elsewhere.pause, elsewhere.known), (LONGEST_PAUSE, false));
    let here = throttle.attempt(&account("admin"), at(1), None, now).unwrap();
    assert_eq!((here.pause, here.known), (Duration::ZERO, true));
}

#[test]
fn thirty_wrong_attempts_lock_an_address_but_not_for_who_came_in_from_there() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    let ann = throttle.attempt(&account("ann"), at(1), None, now).unwrap();
    throttle.right(&ann, BROWSER, now);
    for number in 0..30 {
        let admitted = throttle.attempt(&account(&format!("user{number}")), at(1), None, now).unwrap();
        assert_eq!(admitted.locks_address, number == 29);
    }
    assert_eq!(throttle.attempt(&account("bob"), at(1), None, now), Err(SPAN));
    assert!(throttle.attempt(&account("ann"), at(1), None, now).is_ok());
    assert!(throttle.attempt(&account("bob"), at(2), None, now).is_ok());
    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    for number in 0..30 {
        let address = v6(&format!("2001:db8::{number:x}"));
        throttle.attempt(&account(&format!("six{number}")), address, None, now).unwrap();
    }
    assert!(throttle.attempt(&account("bob"), v6("2001:db8::ffff:1"), None, now).is_err());
    assert!(throttle.attempt(&account("bob"), v6("2001:db8:0:1::1"), None, now).is_ok());
}

/// Behind a proxy everybody has one address.
#[test]
fn a_browser_that_is_known_stays_usable_where_its_address_is_locked_for_the_name() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    let admitted = throttle.attempt(&account("admin"), at(1), None, now).unwrap();
    throttle.right(&admitted, BROWSER, now);
    assert_eq!(lock(&mut throttle, "admin", at(1), now), ATTEMPTS);
    let attempt = |throttle: &mut Throttle, browser, now| {
        throttle.attempt(&account("admin"), at(1), Some(browser), now)
    };
    assert!(attempt(&mut throttle, [8; 32], now).is_err(), "one that was made up");
    let mine = attempt(&mut throttle, BROWSER, now).unwrap();
    assert!(mine.known);
    throttle.right(&mine, BROWSER, now);
    // It has attempts of its own and no more of them than others.
    for _ in 0..ATTEMPTS {
        attempt(&mut throttle, BROWSER, now).unwrap();
    }
    assert!(attempt(&mut throttle, BROWSER, now).is_err());
    // It is of no use for another name, for another password's time, or after a month.
    let [other, renewed] = [account("ann"), ("admin".to_owned(), 2)];
    for account in [other, renewed] {
        assert!(!throttle.attempt(&account, at(9), Some(BROWSER), now).unwrap().known);
    }
    assert!(!attempt(&mut throttle, BROWSER, now + KNOWN).unwrap().known);
}

#[test]
fn a_right_password_forgets_and_a_new_one_lifts_the_lock() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    for _ in 0..50 {
        let admitted = throttle.attempt(&account("ann"), at(1), None, now).unwrap();
        throttle.right(&admitted, BROWSER, now);
    }
    assert_eq!(lock(&mut throttle, "ann", at(1), now), ATTEMPTS);
    assert!(throttle.attempt(&("ann".to_owned(), 2), at(1), None, now).is_ok());
}

#[test]
fn an_attempt_that_was_not_tried_is_not_held_against_anybody() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    for _ in 0..50 {
        let admitted = throttle.attempt(&account("ann"), at(1), None, now).unwrap();
        throttle.not_tried(&admitted);
    }
    // What was tried still counts.
    for number in 1..=10 {
        if number == 10 {
            let admitted = throttle.attempt(&account("ann"), at(1), None, now).unwrap();
            throttle.not_tried(&admitted);
        }
        assert_eq!(
            throttle.attempt(&account("ann"), at(1), None, now).unwrap().locks_name,
            number == 10,
            "{number}"
        );
    }
    assert!(throttle.attempt(&account("ann"), at(1), None, now).is_err());
}

#[test]
fn what_is_remembered_has_an_end_and_a_full_table_keeps_nobody_out() {
    let (mut throttle, now) = (Throttle::default(), Instant::now());
    assert_eq!(lock(&mut throttle, "guessed", at(1), now), ATTEMPTS);
    for number in 0..u32::try_from(REMEMBERED).unwrap() + 100 {
        let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
        let later = now + Duration::from_millis(u64::from(number));
        let admitted = throttle.attempt(&account(&number.to_string()), address, None, later).unwrap();
        if number % 2 == 0 {
            throttle.right(&admitted, BROWSER, later);
        }
    }
    for rows in [throttle.places.len(), throttle.addresses.len(), throttle.names.len(), throttle.known.len()]
    {
        assert!(rows <= REMEMBERED, "{rows}");
    }
    // The oldest went, but for what is locked.
    assert!(!throttle.addresses.contains_key(&IpAddr::from(0x0a00_0001_u32.to_be_bytes())));
    assert!(throttle.attempt(&account("guessed"), at(1), None, now).is_err());
}
