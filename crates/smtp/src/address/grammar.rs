//! The grammar of paths and mailboxes, RFC 5321 4.1.2 with the additions of RFC 6531 3.3.
//!
//! Looser than the RFC in two places, because mail that people want arrives so: dots may stand anywhere in
//! an unquoted local part (Japanese mobile carriers hand such addresses out), and host names may contain
//! underscores. Both are relayed as they came.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AddressError, DOMAIN_OCTETS, Domain, LOCAL_OCTETS, Mailbox, PATH_OCTETS};

/// Octets a label may have (RFC 1035 2.3.4).
const LABEL_OCTETS: usize = 63;

/// Octets a name may have in presentation form without the trailing dot.
const NAME_OCTETS: usize = 253;

pub(super) fn split_path(argument: &str) -> Result<(&str, &str), AddressError> {
    let argument = argument.trim_start_matches(' ');
    if argument.is_empty() {
        return Err(AddressError::Empty);
    }
    let Some(inner) = argument.strip_prefix('<') else {
        let end = end_outside_quotes(argument, b' ').unwrap_or(argument.len());
        let (path, rest) = argument.split_at(end);
        return Ok((without_route(path)?, rest.trim_start_matches(' ')));
    };
    let end = end_outside_quotes(inner, b'>').ok_or(AddressError::Brackets)?;
    let (path, rest) = (&inner[..end], &inner[end + 1..]);
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(AddressError::Brackets);
    }
    Ok((without_route(path)?, rest.trim_start_matches(' ')))
}

pub(super) fn mailbox(text: &str) -> Result<Mailbox, AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    let local_end = local_part(text)?;
    if local_end > LOCAL_OCTETS {
        return Err(AddressError::LocalTooLong);
    }
    if local_end == text.len() {
        if text.eq_ignore_ascii_case("postmaster") {
            return Ok(Mailbox { text: text.to_owned(), local_end, domain: None });
        }
        return Err(AddressError::NoDomain);
    }
    if text.len() > PATH_OCTETS - "<>".len() {
        return Err(AddressError::TooLong);
    }
    let written = &text[local_end + 1..];
    if written.contains('@') {
        return Err(AddressError::Syntax);
    }
    let domain = domain(written)?;
    Ok(Mailbox { text: text.to_owned(), local_end, domain: Some(domain) })
}

/// Puts a mailbox together; the local part must be one to its end, or its `@` would be taken for ours.
pub(super) fn joined(local: &str, domain: &Domain) -> Result<Mailbox, AddressError> {
    if local_part(local)? != local.len() {
        return Err(AddressError::Local);
    }
    mailbox(&format!("{local}@{domain}"))
}

pub(super) fn domain(text: &str) -> Result<Domain, AddressError> {
    if text.is_empty() {
        return Err(AddressError::NoDomain);
    }
    if text.len() > DOMAIN_OCTETS {
        return Err(AddressError::TooLong);
    }
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(AddressError::Literal)?;
        return literal(inner).map(Domain::Literal).ok_or(AddressError::Literal);
    }
    let name = if needs_idna(text) {
        idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| AddressError::Idna)?
    } else {
        Cow::Borrowed(text)
    };
    let name = name.strip_suffix('.').unwrap_or(&name);
    if !is_host_name(name) {
        return Err(AddressError::Domain);
    }
    Ok(Domain::Name(name.to_ascii_lowercase()))
}

/// Finds the first `end` that no quoted string holds.
fn end_outside_quotes(text: &str, end: u8) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    text.bytes().position(|byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => escaped = true,
            _ => return byte == end && !quoted,
        }
        false
    })
}

/// Takes the source route off a path: `@a,@b:user@c` is `user@c` (RFC 5321 4.1.2, A-d-l).
fn without_route(path: &str) -> Result<&str, AddressError> {
    if !path.starts_with('@') {
        return Ok(path);
    }
    let mut rest = path;
    loop {
        rest = rest.strip_prefix('@').ok_or(AddressError::Route)?;
        // The colons of an IPv6 literal do not end the route.
        let skip = if rest.starts_with('[') { rest.find(']').ok_or(AddressError::Route)? } else { 0 };
        let end = skip + rest[skip..].find([',', ':']).ok_or(AddressError::Route)?;
        domain(&rest[..end]).map_err(|_| AddressError::Route)?;
        let route_goes_on = rest.as_bytes()[end] == b',';
        rest = &rest[end + 1..];
        if !route_goes_on {
            return if rest.is_empty() { Err(AddressError::Route) } else { Ok(rest) };
        }
    }
}

/// Returns where the local part ends: at the `@`, or at the end of the text.
fn local_part(text: &str) -> Result<usize, AddressError> {
    let end = if text.starts_with('"') { quoted_string(text)? } else { dot_string(text)? };
    if end == 0 || !matches!(text.as_bytes().get(end), None | Some(b'@')) {
        return Err(AddressError::Local);
    }
    Ok(end)
}

fn dot_string(text: &str) -> Result<usize, AddressError> {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|&b| !(is_atext(b) || b == b'.' || b >= 0x80)).unwrap_or(bytes.len());
    if text[..end].chars().any(|c| !c.is_ascii() && (c.is_control() || c.is_whitespace())) {
        return Err(AddressError::Local);
    }
    Ok(end)
}

/// Returns the octets of the quoted string that `text` starts with, both quotes counted.
fn quoted_string(text: &str) -> Result<usize, AddressError> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c.is_control() {
            return Err(AddressError::Local);
        }
        match c {
            _ if escaped && !c.is_ascii() => return Err(AddressError::Local),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at + 1),
            _ => {}
        }
    }
    Err(AddressError::Local)
}

/// `atext` of RFC 5322 3.2.3.
const fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

fn literal(inner: &str) -> Option<IpAddr> {
    const TAG: &str = "IPv6:";
    match inner.split_at_checked(TAG.len()) {
        Some((tag, address)) if tag.eq_ignore_ascii_case(TAG) => {
            address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
        _ => inner.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// Tells whether a name has a U-label, or an A-label whose content must be checked.
fn needs_idna(name: &str) -> bool {
    !name.is_ascii()
        || name.split('.').any(|l| l.len() >= 4 && l.as_bytes()[..4].eq_ignore_ascii_case(b"xn--"))
}

fn is_host_name(name: &str) -> bool {
    name.len() <= NAME_OCTETS && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    matches!(bytes.len(), 1..=LABEL_OCTETS)
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}
