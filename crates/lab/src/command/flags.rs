//! Flags that say more than a word: `NAME=VALUE` of several kinds.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::dns::Behaviour;
use crate::host::{Act, Reply, Rule, Span, Stage, TlsTemper};

pub(super) fn pointer(text: &str) -> Result<(IpAddr, String), String> {
    let (address, host) = text.split_once('=').ok_or("expected ADDRESS=HOST")?;
    Ok((address.parse().map_err(|_| format!("`{address}` is no address"))?, host.to_owned()))
}

pub(super) fn behaviour(text: &str) -> Result<(String, Behaviour), String> {
    let (name, how) = text.split_once('=').ok_or("expected NAME=HOW")?;
    let behaviour = match how {
        "nxdomain" => Behaviour::Nxdomain,
        "servfail" => Behaviour::ServFail,
        "refused" => Behaviour::Refused,
        "silent" => Behaviour::Silent,
        "empty" => Behaviour::Empty,
        "truncated" => Behaviour::TruncatedForEver,
        "garbage" => Behaviour::Garbage,
        other => {
            let delay = other.strip_suffix("ms").and_then(|number| number.parse().ok());
            Behaviour::Slow(Duration::from_millis(
                delay.ok_or_else(|| format!("`{other}` is no way to fail"))?,
            ))
        }
    };
    Ok((name.to_owned(), behaviour))
}

pub(super) fn rule(text: &str) -> Result<Rule> {
    let (stage, reply) = text.split_once('=').context("expected STAGE=REPLY")?;
    let stage = stage_named(stage)?;
    let counted = reply.split_once('x').and_then(|(count, rest)| Some((count.parse().ok()?, rest)));
    let (span, reply) = counted.map_or((Span::Always, reply), |(count, rest)| (Span::First(count), rest));
    Ok(Rule::new(stage, Act::Reply(reply.parse::<Reply>()?)).span(span))
}

fn stage_named(name: &str) -> Result<Stage> {
    serde_json::from_value(name.into()).with_context(|| format!("`{name}` is no stage"))
}

pub(super) fn tls(name: &str) -> Result<TlsTemper> {
    match serde_json::from_value(name.into()) {
        Ok(tls) => Ok(tls),
        Err(_) => bail!("`{name}` is no quality of TLS"),
    }
}

pub(super) fn named(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("expected NAME=ADDRESS")?;
    Ok((name.to_owned(), address.parse().map_err(|_| format!("`{address}` is no address with a port"))?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_rule_is_read_with_its_count() {
        let reply = || Act::Reply("452 4.2.2".parse::<Reply>().unwrap());
        assert_eq!(rule("rcpt=452 4.2.2").unwrap(), Rule::new(Stage::Rcpt, reply()));
        assert_eq!(rule("rcpt=2x452 4.2.2").unwrap(), Rule::new(Stage::Rcpt, reply()).span(Span::First(2)));
        let text = rule("quit=221 see you next time").unwrap();
        assert_eq!(text, Rule::new(Stage::Quit, Act::Reply(Reply::new(221).text("see you next time"))));
    }
}
