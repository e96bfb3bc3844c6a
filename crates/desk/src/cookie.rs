//! The cookie that holds a session's secret (RFC 6265).

use axum::http::{HeaderMap, HeaderValue, header};

/// Under TLS: browsers take a cookie of this name only with `Secure`, for this host and for every path.
const STRICT: &str = "__Host-mailreeve";
/// On plain HTTP.
const PLAIN: &str = "mailreeve";
/// Octets of a secret, at most.
const LONGEST: usize = 64;

/// The session's secret that a request brings along.
pub(crate) fn session(headers: &HeaderMap) -> Option<String> {
    let find = |wanted: &str| {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
    };
    find(STRICT).or_else(|| find(PLAIN)).filter(|value| !value.is_empty() && value.len() <= LONGEST)
}

/// The field that gives a browser its session.
pub(crate) fn set(session: &str, secure: bool) -> Option<HeaderValue> {
    let name = if secure { STRICT } else { PLAIN };
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!("{name}={session}; Path=/; HttpOnly; SameSite=Strict{secure}")).ok()
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
