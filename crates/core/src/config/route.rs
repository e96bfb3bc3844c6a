//! Destinations that are not reached by MX: `[[route]]`, `[[credentials]]`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use super::names;
use super::reader::{Section, Spec};
use super::value::{Complaint, Said};
use crate::delivery::settings::{Hop, HopHost, Pattern, Route};

pub(super) const ROUTE: Spec = Spec { header: "[[route]]", keys: &["domain", "to", "credentials", "tls"] };

pub(super) const CREDENTIALS: Spec =
    Spec { header: "[[credentials]]", keys: &["name", "user", "password_file"] };

/// Who we are to a next hop that asks. The password is in a file of its own, read by the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// What routes call them.
    pub name: Arc<str>,
    /// The user's name.
    pub user: String,
    /// The file whose first line is the password.
    pub password_file: PathBuf,
}

pub(super) fn read_credentials(root: &Section<'_>) -> Vec<Credentials> {
    let mut all: Vec<Credentials> = Vec::new();
    for row in root.sections("credentials", &CREDENTIALS) {
        let name = row.required("name", "\"smarthost\"", |v| v.parsed(names::label));
        let user = row.required("user", "\"gateway@example.com\"", |v| v.parsed(user));
        let file =
            row.required("password_file", "\"/etc/mailreeve/smarthost.password\"", |v| v.parsed(names::path));
        let (Some(name), Some(user), Some(file)) = (name, user, file) else { continue };
        if all.iter().any(|other| *other.name == name.value) {
            let message = format!("two credentials are named \"{}\"", name.value);
            row.wrong("name", message, "give each a name of its own");
        }
        all.push(Credentials { name: name.value.into(), user: user.value, password_file: file.value });
    }
    all
}

fn user(text: &str) -> Result<String, Complaint> {
    if text.is_empty() || text.len() > 255 || text.contains(char::is_control) {
        return Err(Complaint::new("the user's name is empty, too long or has control characters", ""));
    }
    Ok(text.to_owned())
}

/// Reads the routes; `port` is that of hops that name none.
pub(super) fn read_routes(root: &Section<'_>, port: u16, known: &[Credentials]) -> Vec<(Pattern, Route)> {
    let mut routes: Vec<(Pattern, Route)> = Vec::new();
    for row in root.sections("route", &ROUTE) {
        let domain = row.required("domain", "\"example.com\"", |v| v.parsed(names::pattern));
        let route = read_route(&row, port, known);
        let (Some(domain), Some(route)) = (domain, route) else { continue };
        check_reached(&row, routes.iter().map(|(pattern, _)| pattern), &domain.value);
        routes.push((domain.value, route));
    }
    routes
}

/// Notes a row that an earlier one hides: first match wins.
pub(super) fn check_reached<'p>(
    row: &Section<'_>,
    mut earlier: impl Iterator<Item = &'p Pattern>,
    pattern: &Pattern,
) {
    let Some(hiding) = earlier.find(|other| hides(other, pattern)) else { return };
    if hiding == pattern {
        row.wrong("domain", format!("{} is there twice", show(pattern)), "remove one of them");
        return;
    }
    let message = format!("this row for {} is never reached", show(pattern));
    let hint = format!("the first match wins, and {} stands above: put it below", show(hiding));
    row.wrong("domain", message, hint);
}

fn hides(earlier: &Pattern, later: &Pattern) -> bool {
    match (earlier, later) {
        (Pattern::All, _) => true,
        (Pattern::Exact(_) | Pattern::Below(_), Pattern::All) | (Pattern::Exact(_), Pattern::Below(_)) => {
            false
        }
        (Pattern::Exact(a), Pattern::Exact(b)) => a == b,
        (Pattern::Below(suffix), Pattern::Below(other)) => other.ends_with(suffix.as_str()),
        (Pattern::Below(_), Pattern::Exact(name)) => earlier.matches(name),
    }
}

fn show(pattern: &Pattern) -> String {
    match pattern {
        Pattern::All => "ALL".to_owned(),
        Pattern::Exact(name) | Pattern::Below(name) => format!("\"{name}\""),
    }
}

fn read_route(row: &Section<'_>, port: u16, known: &[Credentials]) -> Option<Route> {
    let implicit_tls = row.or("tls", false, |v| v.choice(&[("implicit", true)]));
    let port = if implicit_tls { 465 } else { port };
    let to = row.required("to", "[\"mail.example.com\"]", |v| v.list(|v| v.parsed(|text| next(text, port))));
    let credentials = row.optional("credentials", |v| v.text());
    if let Some(name) = credentials.filter(|name| !known.iter().any(|c| *c.name == **name)) {
        let message = format!("no credentials are named \"{}\"", name.escape_debug());
        row.undefined("credentials", message, "add [[credentials]] with this name");
    }
    let to = to?;
    let Some(first) = to.value.first() else {
        if row.optional("to", |v| Some(v.is_empty_list())) == Some(true) {
            row.wrong("to", "a route needs a next hop", "name one, or write [\"USEDNS\"] or [\"/dev/null\"]");
        }
        return None;
    };
    let alone = match &first.value {
        Next::Hop(_) => None,
        Next::UseDns => Some(Route::UseDns),
        Next::Discard => Some(Route::Discard),
    };
    if let Some(route) = alone {
        check_alone(row, &to.value, credentials.is_some() || implicit_tls);
        return Some(route);
    }
    let mut hops: Vec<Hop> = Vec::new();
    for said in to.value {
        let Next::Hop(hop) = said.value else {
            row.wrong_at(&said.span, ALONE, "remove it, or the other next hops");
            continue;
        };
        if hops.iter().any(|other| (&other.host, other.port) == (&hop.host, hop.port)) {
            row.wrong_at(&said.span, "this next hop is there twice", "remove one of them");
        }
        hops.push(hop);
    }
    Some(Route::Hops { hops, credentials: credentials.map(Arc::from), implicit_tls })
}

const ALONE: &str = "USEDNS and /dev/null stand alone";

fn check_alone(row: &Section<'_>, to: &[Said<Next>], has_more: bool) {
    if let Some(second) = to.get(1) {
        row.wrong_at(&second.span, ALONE, "remove the other next hops, or write a second [[route]]");
    }
    if has_more {
        let message = "credentials and tls need a next hop with a name or address";
        row.wrong("to", message, "name the host in `to`, or remove credentials and tls");
    }
}

/// One entry of `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    UseDns,
    Discard,
    Hop(Hop),
}

/// Reads `host`, `host:2525`, `host:2525/pri=10`, `[192.0.2.7]:25`, `[2001:db8::7]`, `USEDNS`, `/dev/null`.
fn next(text: &str, default_port: u16) -> Result<Next, Complaint> {
    match text {
        "USEDNS" => return Ok(Next::UseDns),
        "/dev/null" => return Ok(Next::Discard),
        _ => {}
    }
    let bad = |hint: &str| Complaint::new(format!("\"{}\" is not a next hop", text.escape_debug()), hint);
    let (place, option) = text.split_once('/').map_or((text, None), |(place, option)| (place, Some(option)));
    let priority = match option {
        None => 0,
        Some(option) => option
            .strip_prefix("pri=")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| bad("behind the slash stands a priority from 0 to 65535: \"host/pri=10\""))?,
    };
    let (host, port) = match place.strip_prefix('[') {
        Some(inside) => {
            let (literal, port) =
                inside.split_once(']').ok_or_else(|| bad("the bracket is not closed: \"[192.0.2.7]:25\""))?;
            (Err(literal), port.strip_prefix(':').or((!port.is_empty()).then_some("")))
        }
        None => place.split_once(':').map_or((Ok(place), None), |(host, port)| (Ok(host), Some(port))),
    };
    let port = match port {
        None => default_port,
        Some(_) if place.parse::<IpAddr>().is_ok() => {
            return Err(bad("an address stands in brackets: \"[2001:db8::7]\""));
        }
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| bad("behind the colon stands a port from 1 to 65535"))?,
    };
    let host = match host {
        Err(literal) => {
            let address = literal.strip_prefix("IPv6:").unwrap_or(literal).parse::<IpAddr>();
            let address = address.map_err(|_| bad("in the brackets stands an address: \"[192.0.2.7]\""))?;
            HopHost::Address(SocketAddr::new(address, port))
        }
        Ok(name) if name.parse::<IpAddr>().is_ok() => {
            return Err(bad("an address stands in brackets: \"[192.0.2.7]\""));
        }
        Ok(name) => HopHost::Name(names::host_name(name)?),
    };
    Ok(Next::Hop(Hop { host, port, priority }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hop(text: &str) -> Hop {
        match next(text, 25) {
            Ok(Next::Hop(hop)) => hop,
            other => unreachable!("{text}: {other:?}"),
        }
    }

    #[test]
    fn next_hops() {
        let name = |name: &str, port, priority| Hop { host: HopHost::Name(name.into()), port, priority };
        let address = |text: &str, priority| {
            let address: SocketAddr = text.parse().unwrap();
            Hop { host: HopHost::Address(address), port: address.port(), priority }
        };
        assert_eq!(hop("Host1.Example.com"), name("host1.example.com", 25, 0));
        assert_eq!(hop("host2:2525/pri=10"), name("host2", 2525, 10));
        assert_eq!(hop("host2/pri=65535"), name("host2", 25, 65_535));
        assert_eq!(hop("[192.0.2.7]:587"), address("192.0.2.7:587", 0));
        assert_eq!(hop("[2001:db8::7]"), address("[2001:db8::7]:25", 0));
        assert_eq!(hop("[IPv6:2001:db8::7]:26/pri=5"), address("[2001:db8::7]:26", 5));
        assert_eq!(next("USEDNS", 25), Ok(Next::UseDns));
        assert_eq!(next("/dev/null", 25), Ok(Next::Discard));
    }

    #[test]
    fn what_is_not_a_next_hop() {
        for text in [
            "",
            ":25",
            "host:",
            "host:0",
            "host:65536",
            "host:25:25",
            "host/10",
            "host/pri=-1",
            "[192.0.2.7",
            "[x]",
            "[192.0.2.7]25",
            "192.0.2.7",
            "192.0.2.7:25",
            "2001:db8::7",
            "a b",
            "usedns!",
            "user@host",
        ] {
            assert!(next(text, 25).is_err(), "{text}");
        }
    }
}
