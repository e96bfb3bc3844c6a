//! The second procedure: mail was never received, and somebody wants to know why.

use mailreeve_lab::host::Ending;
use mailreeve_lab::sender::{Conduct, Sender};

use super::super::cast::Site;
use super::guide::Guide;
use super::{Ground, Halt};

/// An address of a network that is for documentation only (RFC 5737): nobody connects from there.
const STRANGER: &str = "192.0.2.77";

pub(super) fn walk(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let cast = ground.cast;
    let [site, other, .., nameless] = &cast.sites;
    guide.part(
        "Part 2: \"The message was never received\". Why?",
        &format!(
            "Somebody at {} says that a letter to {} was sent and never arrived.",
            site.domain, cast.home
        ),
    )?;
    // What happened: one letter came, of the next the line broke in the middle; another site wrote to a domain
    // that is not ours.
    let sender = |site: &Site, rcpt: &str| {
        Sender::new(&format!("press@{}", site.domain), rcpt).from_address(site.address)
    };
    let maud = format!("maud@{}", cast.home);
    let _ = sender(site, &maud).visit(ground.ports.smtp, Conduct::Polite);
    let _ = sender(site, &maud).visit(ground.ports.smtp, Conduct::LeavesInContent(60, Ending::Close));
    let _ = sender(other, &format!("maud@mail.{}", cast.home)).visit(ground.ports.smtp, Conduct::Polite);
    which_addresses(guide, site)?;
    let icid = which_connection(guide, site)?;
    what_became_of_it(guide, &icid)?;
    refused(guide, other)?;
    no_connection_at_all(guide)?;
    no_name(guide, site, nameless)
}

fn which_addresses(guide: &mut Guide<'_>, site: &Site) -> Result<(), Halt> {
    guide.step("Which addresses does that site send from?")?;
    let from = format!(" From: <press@{}>", site.domain);
    let icid = guide.until("a letter of that site", |guide| {
        Ok(guide.found(&from)?.lines().find_map(icid_of).map(str::to_owned))
    })?;
    guide.search(&from, 3)?;
    guide.search(&format!("New SMTP ICID {icid} "), 1)?;
    guide.means(&format!(
        "An earlier letter of {} came over connection {icid}, from {}. Its own administrator\n\
         can say so, too; where nothing else is known its MX records are a guess.",
        site.domain, site.address
    ))
}

fn which_connection(guide: &mut Guide<'_>, site: &Site) -> Result<String, Halt> {
    guide.step("Did that address connect?")?;
    let connected = format!("address {} ", site.address);
    let icid = guide.until("the connection that was lost", |guide| {
        let ours = guide.found(&connected)?;
        let losses = guide.found("Connection lost after")?;
        let ours: Vec<&str> = ours.lines().filter_map(icid_of).collect();
        Ok(losses.lines().filter_map(icid_of).find(|icid| ours.contains(icid)).map(str::to_owned))
    })?;
    guide.search(&connected, 5)?;
    guide.means(&format!(
        "Each line is a connection from there, with its number (ICID) and the name of the address.\n\
         Connection {icid} is the one in question."
    ))?;
    Ok(icid)
}

fn what_became_of_it(guide: &mut Guide<'_>, icid: &str) -> Result<(), Halt> {
    guide.step("What became of it?")?;
    let lines = guide.search(&format!("ICID {icid} "), 10)?;
    let mid = lines.lines().find_map(|line| word_after(line, "MID")).map(str::to_owned);
    if let Some(mid) = mid {
        guide.search(&format!("MID {mid} "), 10)?;
    }
    guide.means(
        "The sender named itself and the recipient, began the letter, and the line broke in its content:\n\
         so many bytes had come. The message was never the gateway's; the sender still has it, and tries\n\
         again. The fault is on the sender's side or on the way, not here.",
    )
}

fn refused(guide: &mut Guide<'_>, site: &Site) -> Result<(), Halt> {
    guide.step("Or was it refused?")?;
    let icid = guide.until("the connection whose recipient was refused", |guide| {
        let refused = guide.found("Rejected by")?;
        let ours = guide.found(&format!("address {} ", site.address))?;
        let ours: Vec<&str> = ours.lines().filter_map(icid_of).collect();
        Ok(refused.lines().filter_map(icid_of).find(|icid| ours.contains(icid)).map(str::to_owned))
    })?;
    guide.search(&format!("ICID {icid} "), 10)?;
    guide.means(&format!(
        "Another case, {}: this gateway takes no mail for the recipient's domain and said so at once. The sender\n\
         was told; the address has a mistake in it, or the domain is missing in `accept.domains`.",
        site.domain
    ))
}

fn no_connection_at_all(guide: &mut Guide<'_>) -> Result<(), Halt> {
    guide.step("And where there is no connection at all?")?;
    guide.search(STRANGER, 3)?;
    guide.means(
        "Nothing: that address never connected. Only the sending side can go on, with its own log, or with\n\
         a connection by hand to the gateway's SMTP port from the machine that sends.",
    )
}

fn no_name(guide: &mut Guide<'_>, named: &Site, nameless: &Site) -> Result<(), Halt> {
    guide.step("A usual suspect: an address without a name")?;
    guide.operator(&format!("dig -x {}", named.address))?;
    guide.operator(&format!("dig -x {}", nameless.address))?;
    guide.means(
        "The name service never answers for the second address. A gateway that waits for that answer before it\n\
         greets loses senders that do not wait as long. This one greets at once and looks the name up beside;\n\
         `reverse_timeout` in [dns] is how long it keeps asking. The sender should give its address a name.",
    )
}

fn icid_of(line: &str) -> Option<&str> {
    word_after(line, "ICID")
}

/// The word that follows `label` in a line.
fn word_after<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == label)?;
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_lines_of_the_log() {
        let line = "Sat Nov 21 14:00:00 2026 Info: Start MID 31 ICID 7";
        assert_eq!((icid_of(line), word_after(line, "MID")), (Some("7"), Some("31")));
        assert_eq!(icid_of("Info: New SMTP ICID"), None);
        assert_eq!(icid_of("Info: nothing"), None);
    }
}
