//! A full page of the table is small on the wire and quick to make.

use super::*;

#[test]
fn two_hundred_rows_are_under_60_kb() {
    let mut reply = replies::delivery_status(&str::to_owned);
    reply.destinations = (0..delivery_status::ROWS as u64)
        .map(|number| {
            let status = ["up", "up", "down", "unknown"][number as usize % 4];
            let mut line =
                replies::line(&format!("customer-{number:05}.example.com"), status, 10_000 - number);
            if status == "down" {
                let fixed = replies::delivery_status(&str::to_owned);
                line.reason = fixed.destinations[1].reason.clone();
                line.next_attempt_us = fixed.destinations[1].next_attempt_us;
            }
            line
        })
        .collect();
    let page = delivery_status::page(&frame(Words::english()), &reply, None).into_string();
    assert!(page.len() < 60_000, "{} octets", page.len());
}
