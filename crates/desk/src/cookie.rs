//! The cookies (RFC 6265): one holds a session's secret, one lets a browser be known that somebody came in with.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// Under TLS: browsers take a cookie of this name only with `Secure`, for this host and for every path.
const STRICT: &str = "__Host-mailreeve";
/// On plain HTTP.
const PLAIN: &str = "mailreeve";
/// By this a browser is known again, under TLS and on plain HTTP.
const BROWSER_STRICT: &str = "__Host-mailreeve-browser";
const BROWSER_PLAIN: &str = "mailreeve-browser";
/// Octets of a secret, at most.
const LONGEST: usize = 64;

/// The session's secret that a request brings along.
pub(crate) fn session(headers: &HeaderMap) -> Option<String> {
    find(headers, STRICT).or_else(|| find(headers, PLAIN))
}

/// By what the browser of a request may be known.
pub(crate) fn browser(headers: &HeaderMap) -> Option<String> {
    find(headers, BROWSER_STRICT).or_else(|| find(headers, BROWSER_PLAIN))
}

fn find(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
    value.filter(|value| !value.is_empty() && value.len() <= LONGEST)
}

/// The field that gives a browser its session.
pub(crate) fn set(session: &str, secure: bool) -> Option<HeaderValue> {
    let name = if secure { STRICT } else { PLAIN };
    field(name, session, "", secure)
}

/// The field by which a browser is known for a while.
pub(crate) fn set_browser(secret: &str, secure: bool, lasts: Duration) -> Option<HeaderValue> {
    let name = if secure { BROWSER_STRICT } else { BROWSER_PLAIN };
    field(name, secret, &format!("; Max-Age={}", lasts.as_secs()), secure)
}

fn field(name: &str, value: &str, more: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")).ok()
}

/// The fields that take it back.
pub(crate) fn clear() -> [HeaderValue; 2] {
    [
        HeaderValue::from_static("__Host-mailreeve=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"),
        HeaderValue::from_static("mailreeve=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let with = |line: &'static str| {
            let headers = [(header::COOKIE, HeaderValue::from_static(line))].into_iter().collect();
            session(&headers)
        };
        assert_eq!(with("a=b; mailreeve=secret; c=d").as_deref(), Some("secret"));
        assert_eq!(with("mailreeve=old; __Host-mailreeve=new").as_deref(), Some("new"));
        assert_eq!(with("xmailreeve=secret"), None);
        assert_eq!(with("mailreeve="), None);
        assert_eq!(session(&HeaderMap::new()), None);
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let line = |secure| set("s", secure).and_then(|value| value.to_str().map(str::to_owned).ok());
        assert_eq!(line(false).as_deref(), Some("mailreeve=s; Path=/; HttpOnly; SameSite=Strict"));
        let secure = "__Host-mailreeve=s; Path=/; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(line(true).as_deref(), Some(secure));
    }
}
