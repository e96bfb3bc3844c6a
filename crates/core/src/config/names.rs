//! Names, addresses and networks as they stand in a configuration.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use mailreeve_smtp::address::Domain;

use super::value::Complaint;
use crate::delivery::settings::Pattern;

/// Reads a host name into lower-case A-label form.
pub(super) fn host_name(text: &str) -> Result<String, Complaint> {
    match Domain::parse(text) {
        Ok(Domain::Name(name)) => Ok(name),
        Ok(Domain::Literal(_)) | Err(_) => {
            Err(Complaint::new(format!("\"{}\" is not a host name", text.escape_debug()), name_hint(text)))
        }
    }
}

/// Reads an accepted domain: a name, or `.name` for every name below it.
pub(super) fn accepted_domain(text: &str) -> Result<String, Complaint> {
    if matches!(text, "" | "." | "*" | "ALL" | "all") {
        return Err(Complaint::new(
            format!("\"{text}\" would accept mail for every domain"),
            "name each domain; hosts that may send to anywhere are listed in relay_networks",
        ));
    }
    match text.strip_prefix('.') {
        Some(below) => host_name(below).map(|name| format!(".{name}")),
        None => host_name(text),
    }
}

/// Reads which destinations a row concerns: `ALL`, a domain or address literal, or `.domain`.
pub(super) fn pattern(text: &str) -> Result<Pattern, Complaint> {
    if text == "ALL" {
        return Ok(Pattern::All);
    }
    if let Some(below) = text.strip_prefix('.') {
        return host_name(below).map(|name| Pattern::Below(format!(".{name}")));
    }
    match Domain::parse(text) {
        Ok(domain) => Ok(Pattern::Exact(domain.to_string())),
        Err(_) => Err(Complaint::new(
            format!("\"{}\" is not a domain", text.escape_debug()),
            if matches!(text, "*" | "all" | "All") { "write \"ALL\"".to_owned() } else { name_hint(text) },
        )),
    }
}

/// Reads a network: `10.0.0.0/8`, `2001:db8::/32`, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, Complaint> {
    let net: IpNet = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
        (Ok(net), _) => net,
        (Err(_), Ok(address)) => IpNet::from(address),
        (Err(_), Err(_)) => {
            return Err(Complaint::new(
                format!("\"{}\" is not a network", text.escape_debug()),
                "write an address and the length of its prefix: \"10.0.0.0/8\", \"2001:db8::/32\"",
            ));
        }
    };
    if net.addr() != net.network() {
        let message = format!("\"{text}\" is an address inside of a network");
        let hint = format!("the network is \"{}\"; one address is \"{}\"", net.trunc(), net.addr());
        return Err(Complaint::new(message, hint));
    }
    match net {
        IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() => Err(Complaint::new(
            format!("\"{text}\" holds IPv4 addresses in the clothes of IPv6"),
            "write the IPv4 network: peers are compared by their IPv4 address",
        )),
        IpNet::V4(_) | IpNet::V6(_) => Ok(net),
    }
}

/// Reads an address and port to listen at.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, Complaint> {
    text.parse().map_err(|_| {
        let message = format!("\"{}\" is not an address and port", text.escape_debug());
        let hint = match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(v4)) => format!("add the port: \"{v4}:25\""),
            Ok(IpAddr::V6(v6)) => format!("brackets and the port: \"[{v6}]:25\""),
            Err(_) => "write \"0.0.0.0:25\" (every IPv4 address), \"[::]:25\" or one address".to_owned(),
        };
        Complaint::new(message, hint)
    })
}

/// Reads the address of a name server; its port is 53 unless it says so.
pub(super) fn name_server(text: &str) -> Result<SocketAddr, Complaint> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, 53));
    }
    text.parse().map_err(|_| {
        Complaint::new(
            format!("\"{}\" is not the address of a name server", text.escape_debug()),
            "write an address, with a port if it is not 53: \"127.0.0.1\", \"127.0.0.1:5353\", \"[::1]:53\"",
        )
    })
}

/// Reads one address.
pub(super) fn address(text: &str) -> Result<IpAddr, Complaint> {
    text.parse().map_err(|_| {
        Complaint::new(
            format!("\"{}\" is not an address", text.escape_debug()),
            "write it bare: \"192.0.2.7\", \"2001:db8::7\"",
        )
    })
}

/// Reads a path; the daemon has no working directory that anybody would guess.
pub(super) fn path(text: &str) -> Result<PathBuf, Complaint> {
    if text.starts_with('/') && !text.contains('\0') {
        return Ok(PathBuf::from(text));
    }
    let message = format!("\"{}\" is not a whole path", text.escape_debug());
    Err(Complaint::new(message, "write the path from the root: \"/var/lib/mailreeve\""))
}

/// Reads the name of a file that lies in a directory given elsewhere.
pub(super) fn file_name(text: &str) -> Result<String, Complaint> {
    let plain = !text.is_empty() && text.len() <= 200 && !matches!(text, "." | "..");
    if plain && !text.contains(['/', '\0']) && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    let message = format!("\"{}\" is not the name of a file", text.escape_debug());
    Err(Complaint::new(message, "a name without a slash; the directory is log_dir"))
}

/// Reads a name that the configuration gives to something of its own.
pub(super) fn label(text: &str) -> Result<String, Complaint> {
    let fits = (1..=63).contains(&text.len());
    if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Ok(text.to_owned());
    }
    let message = format!("\"{}\" cannot be a name", text.escape_debug());
    Err(Complaint::new(message, "write 1 to 63 letters, digits, hyphens, underscores or dots"))
}

fn name_hint(text: &str) -> String {
    if text.contains('@') {
        "write the domain alone, without the part up to the @".to_owned()
    } else if text.parse::<IpAddr>().is_ok() {
        "an address literal stands in brackets; here a name is needed".to_owned()
    } else if text.contains(':') || text.contains('/') {
        "write the name alone: no scheme, port or path".to_owned()
    } else {
        "letters, digits and hyphens between dots: \"example.com\"".to_owned()
    }
}
