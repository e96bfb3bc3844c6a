//! The words of a reply, ready to be compared.

/// A reply's words in lower case, one space between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    /// Without mailboxes, links, names of machines and addresses.
    pub(super) plain: String,
    /// Names of machines and hosts of links, in order.
    pub(super) names: Vec<String>,
    /// An IP address is there.
    pub(super) has_address: bool,
}

/// As many octets of a reply are read; a reply that has not said by then what it is about never will.
const READ_BYTES: usize = 2_048;

impl Spoken {
    pub(super) fn of(lines: &[String]) -> Self {
        let mut spoken = Self { plain: String::new(), names: Vec::new(), has_address: false };
        let mut room = READ_BYTES;
        for word in lines.iter().flat_map(|line| line.split_whitespace()) {
            room = room.saturating_sub(word.len() + 1);
            if room == 0 {
                break;
            }
            spoken.take(&word.to_lowercase());
        }
        spoken.plain = spoken.plain.trim_end().to_owned();
        spoken
    }

    fn take(&mut self, word: &str) {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        if word.contains('@') {
            // What surrounds a mailbox stays: `<a@b.example>:user` is one word.
            if let Some((_, after)) = word.rsplit_once('>') {
                self.say(after);
            }
            return;
        }
        if let Some(host) = host_of_link(word) {
            self.names.push(host.to_owned());
            return;
        }
        if is_address(bare) {
            self.has_address = true;
            return;
        }
        if is_name(bare) {
            self.names.push(bare.to_owned());
            return;
        }
        self.say(word);
    }

    fn say(&mut self, word: &str) {
        let word =
            word.trim_matches(|letter: char| matches!(letter, '<' | '>' | '"' | '\'' | '`' | ',' | ';'));
        if !word.is_empty() {
            self.plain.push_str(word);
            self.plain.push(' ');
        }
    }
}

fn host_of_link(word: &str) -> Option<&str> {
    let (_, rest) = word.split_once("://")?;
    let host = rest.split(['/', '?', '#', ':', ')']).next().unwrap_or_default();
    (!host.is_empty()).then_some(host)
}

/// An IP address, also with its brackets or a name before them.
fn is_address(bare: &str) -> bool {
    let inside = bare.rsplit(['[', '(', '=']).next().unwrap_or(bare);
    inside.parse::<std::net::IpAddr>().is_ok()
}

/// `mx1.example.com`, and neither `5.7.1` nor `rejected.please`: its last label is short or known for names of machines.
fn is_name(bare: &str) -> bool {
    let mut labels = bare.rsplit('.');
    let Some(last) = labels.next() else { return false };
    let before: Vec<&str> = labels.collect();
    let label = |label: &&str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    !before.is_empty()
        && before.iter().all(label)
        && (2..=12).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str) -> Spoken {
        Spoken::of(&[text.to_owned()])
    }

    #[test]
    fn names_and_addresses_are_not_words() {
        let read =
            spoken("5.1.1 <spam@virus.example>: User   UNKNOWN, see https://full.example/greylisted?x");
        assert_eq!(read.plain, "5.1.1 : user unknown see");
        assert_eq!(read.names, ["full.example"]);
        let read = spoken("Client host [192.0.2.7] blocked using zen.list.example; (2001:db8::1)");
        assert_eq!(read.plain, "client host blocked using");
        assert!(read.has_address);
        assert_eq!(read.names, ["zen.list.example"]);
    }

    #[test]
    fn any_length_is_read_in_bounded_time() {
        let read = spoken(&"é ".repeat(1_000_000));
        assert!(read.plain.len() <= READ_BYTES);
    }
}
