//! A full page of the table is small on the wire, though every destination of it is down.

use super::*;

#[test]
fn all_rows_of_a_page_are_under_60_kb() {
    let mut reply = replies::delivery_status(&str::to_owned);
    let down = reply.destinations[1].clone();
    reply.destinations = (0..delivery_status::ROWS)
        .map(|number| {
            let mut line = down.clone();
            line.host = format!("customer-{number:05}.example.com");
            line
        })
        .collect();
    let page = delivery_status::page(&frame(Words::english()), &reply, None).into_string();
    assert!(page.len() < 60_000, "{} octets", page.len());
}
