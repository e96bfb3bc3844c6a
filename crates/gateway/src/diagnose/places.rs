//! From what an operator typed to the addresses that delivery would go to.

use std::io;
use std::net::IpAddr;

use mailreeve_api::wire::{Problem, ProblemKind};

use crate::context::Running;
use crate::lookups::dns::NoAnswer;

/// Finds the addresses of a host, in the order in which delivery prefers their families.
pub(crate) async fn addresses(running: &Running, host: &str) -> Result<Vec<IpAddr>, Problem> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address.to_canonical()]);
    }
    let found = running.dns.addresses(host).await.map_err(|none| unknown(host, &none))?;
    let mut addresses = found.records;
    let families = running.surroundings.families;
    addresses.retain(|address| families.use_of(address));
    addresses.sort_by_key(|address| address.is_ipv4() != families.v4_first());
    if addresses.is_empty() {
        let problem = Problem::new(
            format!("`{host}` has no address of the family that delivery uses"),
            "see delivery.ip_preference; `nslookup` shows its addresses",
        );
        return Err(problem.of(ProblemKind::NotFound));
    }
    Ok(addresses)
}

/// Finds the first address of a host of one family; `command` is what asks for it in IPv4.
pub(super) async fn of_family(
    running: &Running,
    host: &str,
    v6: bool,
    command: &str,
) -> Result<IpAddr, Problem> {
    let addresses = addresses(running, host).await?;
    addresses.into_iter().find(|address| address.is_ipv6() == v6).ok_or_else(|| {
        let (family, other) = if v6 { ("IPv6", "") } else { ("IPv4", "6") };
        Problem::new(format!("`{host}` has no {family} address"), format!("try `{command}{other} {host}`"))
            .of(ProblemKind::NotFound)
    })
}

/// The system lets no packet out.
pub(super) fn unsendable(address: IpAddr, error: &io::Error) -> Problem {
    Problem::new(
        format!("no packet can be sent to {address}: {error}"),
        "look at the routes and addresses of this machine, and at delivery.source_addresses",
    )
    .of(ProblemKind::Unavailable)
}

fn unknown(host: &str, none: &NoAnswer) -> Problem {
    let why = match none {
        NoAnswer::NoSuchName => "the name does not exist".to_owned(),
        NoAnswer::NoRecords => "the name has no address".to_owned(),
        NoAnswer::Failed(code) => format!("the name service failed ({code})"),
        NoAnswer::Timeout => "no name server answered".to_owned(),
        NoAnswer::AliasLoop => "the name is an alias without an end".to_owned(),
        NoAnswer::BadName => "it is not a name that can be asked for".to_owned(),
    };
    let problem = Problem::new(
        format!("no address of `{host}` is known: {why}"),
        format!("`nslookup {host}` and `dig {host}` say more"),
    );
    problem.of(ProblemKind::NotFound)
}
