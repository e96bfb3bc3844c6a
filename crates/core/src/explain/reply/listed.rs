//! Block lists: which one a reply names, and whether it blames our address at all.

use super::words::Spoken;

/// Words after which the name of a list stands.
const BEFORE: [&str; 14] = [
    "using", "in", "by", "at", "on", "list", "rbl", "dnsbl", "rblsmtpd", "with", "from", "via", "see", "the",
];

/// Labels by which lists are called, whoever keeps them.
const LABELS: [&str; 12] = [
    "rbl",
    "dnsbl",
    "bl",
    "sbl",
    "xbl",
    "pbl",
    "zen",
    "blocklist",
    "blacklist",
    "denylist",
    "dnsrbl",
    "block",
];

/// Lists that are known by a name without a domain.
const KNOWN: [&str; 14] = [
    "spamhaus",
    "spamcop",
    "barracuda",
    "sorbs",
    "uceprotect",
    "proofpoint",
    "cloudmark",
    "abusix",
    "mailspike",
    "invaluement",
    "psbl",
    "surbl",
    "uribl",
    "spamrats",
];

/// Returns the name of the list that a reply names: a name of a machine in a place where a list's name stands, the
/// host of a link to one, or a name that is known.
pub(super) fn name(lines: &[String]) -> Option<String> {
    let words: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
    let spoken: Vec<Spoken> = words.iter().map(|word| Spoken::of(&[(*word).to_owned()])).collect();
    let named = |place: usize| spoken[place].names.first().cloned();
    let is_called = |name: &String| {
        name.split('.')
            .any(|label| LABELS.contains(&label) || KNOWN.iter().any(|known| label.contains(known)))
    };
    let called = (0..words.len()).filter_map(named).find(is_called);
    let before =
        |place: usize| place.checked_sub(1).map(|place| spoken[place].plain.trim_matches([':', '(']));
    let placed = || {
        (0..words.len())
            .filter(|place| before(*place).is_some_and(|word| BEFORE.contains(&word)))
            .find_map(named)
    };
    let known = || spoken.iter().find_map(|word| KNOWN.iter().find(|known| word.plain.starts_with(**known)));
    called
        .or_else(placed)
        .or_else(|| known().map(|known| (*known).to_owned()))
        .or_else(|| (0..words.len()).find_map(named))
}

/// Whether a reply sends us to a list: to one that is known, or, speaking of our address, to a name. That is how lists
/// are told in words that nobody has seen before.
pub(super) fn sends_us_to_a_list(spoken: &Spoken) -> bool {
    let ours =
        ["your ip", "your address", "client host", "your host", "your server", "sending ip", "ip address"];
    let speaks = spoken.has_address || ours.iter().any(|words| spoken.plain.contains(words));
    let known = |name: &String| KNOWN.iter().any(|known| name.contains(known));
    let called = |name: &String| name.split('.').any(|label| LABELS.contains(&label));
    let names = &spoken.names;
    names.iter().any(known)
        || (speaks && (names.iter().any(called) || (!spoken.has_address && !names.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_named() {
        let table = [
            (
                "Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/q",
                "zen.spamhaus.org",
            ),
            ("192.0.2.7 is listed in badhosts.example.net", "badhosts.example.net"),
            ("mail from 192.0.2.7 refused: see https://lists.example/?ip=192.0.2.7", "lists.example"),
            ("rejected, your IP is on the Spamcop list", "spamcop"),
            ("mx1.peer.example refuses: listed at dnsbl.keeper.example", "dnsbl.keeper.example"),
        ];
        for (text, list) in table {
            assert_eq!(name(&[text.to_owned()]).as_deref(), Some(list), "{text}");
        }
        assert_eq!(name(&["blocked by our list".to_owned()]), None);
    }
}
