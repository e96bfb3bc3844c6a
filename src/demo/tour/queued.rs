//! The first procedure: mail is queued for delivery, and somebody wants to know why.

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::world::Plight;

use super::super::cast::Role;
use super::guide::Guide;
use super::{Ground, Halt};

pub(super) fn walk(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    guide.part(
        "Part 1: \"The message is queued for delivery\". What now?",
        "A sender asks where a message is. The gateway has accepted it and cannot hand it over.",
    )?;
    let vanishing = ground.cast.domain(Role::Vanishing);
    guide.until("the first attempts to end", |guide| {
        Ok(guide.ask(&format!("hoststatus {vanishing}"))?.contains("\nReason:").then_some(()))
    })?;
    how_many(guide)?;
    what_state(guide, ground)?;
    can_it_be_found(guide, ground)?;
    can_it_be_reached(guide, ground)?;
    what_each_waits_for(guide, ground)?;
    mended(guide, ground)
}

fn how_many(guide: &mut Guide<'_>) -> Result<(), Halt> {
    guide.step("How many messages wait, and for whom?")?;
    guide.operator("tophosts active_rcpts")?;
    guide.means(
        "Sorted by waiting recipients (Active Recip.). A `*` marks what was down at the last attempt.\n\
         A destination with many active recipients and no deliveries is where to look.",
    )?;
    guide.operator("deliverystatus")?;
    guide.means(
        "The same mail by its reasons, few however much waits: for each how many recipients, since when, who can\n\
         do something about it and what happens next. Below it every destination with its state.",
    )
}

fn what_state(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let [up, down, unknown] =
        [Role::Healthy, Role::Refusing, Role::Vanishing].map(|role| ground.cast.domain(role));
    guide.step("What is the state of a destination?")?;
    guide.operator(&format!("hoststatus {down}"))?;
    guide.means(
        "Down: somebody is there and says no. The reason is the last failure itself, with the address\n\
         that gave it; the MX records and addresses are those that the gateway found, so there is nothing\n\
         to look up by hand. The next attempt is by the gateway's own clock.",
    )?;
    guide.operator(&format!("hoststatus {unknown}"))?;
    guide.means(
        "Unknown: nobody said anything. Connection requests vanish, as behind a firewall that drops them,\n\
         or the name service fails. The network between is to be looked at, not the mail host.",
    )?;
    guide.operator(&format!("hoststatus {up}"))?;
    guide.means("Up: the last attempt reached it. If mail waits for it all the same, each message says why.")
}

fn can_it_be_found(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let [vanishing, failing] = [Role::Vanishing, Role::ServFail].map(|role| ground.cast.domain(role));
    guide.step("Can the gateway find it?")?;
    guide.operator(&format!("dig mx {vanishing}"))?;
    guide.operator(&format!("dig mx {failing}"))?;
    guide.means(
        "Asked from the gateway itself, of the name servers that delivery uses, past every cache. The first\n\
         domain is found, so what does not answer is its mail host. Of the second not even the mail host is\n\
         known: its own name server fails, and only its administrator can mend that.",
    )
}

fn can_it_be_reached(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let (cast, port) = (ground.cast, ground.ports.hosts);
    guide.step("Can SMTP reach it?")?;
    guide.operator(&format!("telnet {} {port}", cast.exchanger(Role::Vanishing)))?;
    guide.operator(&format!("telnet {} {port}", cast.exchanger(Role::Healthy)))?;
    guide.means(
        "A connection by hand, from the gateway itself, by the way that delivery goes. The first mail host is\n\
         not reached: something between drops the request. The second one shows its banner (220): mail for\n\
         it can go out.",
    )
}

fn what_each_waits_for(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let full = ground.cast.domain(Role::Full);
    guide.step("Why does this very message wait?")?;
    let mid = guide.until("a message that waits for a full mailbox", |guide| {
        let listed = guide.ask(&format!("showrecipients host {full}"))?;
        let mids = listed.lines().filter_map(|line| line.split(' ').next()?.parse::<u64>().ok());
        for mid in mids {
            if guide.found(&format!(" MID {mid} "))?.contains("Delayed:") {
                return Ok(Some(mid));
            }
        }
        Ok(None)
    })?;
    guide.operator(&format!("showrecipients host {full}"))?;
    guide.search(&format!(" MID {mid} "), 4)?;
    guide.means(
        "The host is up and answers; it is its reply that keeps the message here: the mailbox is full. The\n\
         log has the reply word for word, and when the message is tried again (`pending till`).",
    )
}

fn mended(guide: &mut Guide<'_>, ground: &Ground<'_>) -> Result<(), Halt> {
    let down = ground.cast.domain(Role::Refusing);
    guide.step("The other side says that the fault is mended. What now?")?;
    let healthy = Plight::Host(Temper::healthy());
    ground.cast.world.establish(down, &healthy, Detail::Sums)?;
    guide.operator(&format!("delivernow {down}"))?;
    guide.until("the host to be up and its queue to be empty", |guide| {
        let status = guide.ask(&format!("hoststatus {down}"))?;
        let holds = |label: &str, value: &str| {
            status
                .lines()
                .any(|line| line.trim_start().starts_with(label) && line.trim_end().ends_with(value))
        };
        Ok((holds("Host up/down:", "up") && holds("Active Recipients", " 0")).then_some(()))
    })?;
    guide.operator(&format!("hoststatus {down}"))?;
    guide.means(
        "`delivernow` forgets what was held against the destination and tries at once; `delivernow all` does\n\
         it for everything that waits. The host is up, nothing waits for it any more.",
    )
}
