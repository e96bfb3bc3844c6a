//! What `mailreeve desk-user` did, told to the daemon for the record: at once while the desk runs, otherwise at its
//! next start.

use std::time::Duration;

use mailreeve_api::desk::Fact;

use crate::desk::Desk;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Tells what is done, until the runtime ends. What is told is forgotten afterwards, so that a desk that ends between
/// the two tells it twice and never not at all.
pub(crate) async fn tell(desk: Desk) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A file that cannot be read has been told already, and is tried again.
        let Ok(deeds) = desk.users(|users| users.deeds()).await else { continue };
        let mut told = None;
        for (number, deed) in deeds {
            let fact = Fact::UsersChanged { by: deed.by, command: deed.command, arguments: deed.arguments };
            if !desk.channel().tell_surely(fact).await {
                break;
            }
            told = Some(number);
        }
        if let Some(told) = told {
            let _ = desk.users(move |users| users.forget_deeds(told)).await;
        }
    }
}
