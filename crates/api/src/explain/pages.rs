//! The page of each cause: what it means, how it is known, what to do and who can. Built in from `docs/why`.
//!
//! A page is the little of Markdown that these files use: headings, paragraphs and words in backticks.

/// The page of one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The stable code of the cause.
    pub code: &'static str,
    text: &'static str,
}

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Begins a part.
    Heading(&'static str),
    /// Words in one line, code in backticks.
    Paragraph(String),
}

macro_rules! pages {
    ($($code:literal)*) => {
        /// Every page, by code.
        pub const PAGES: &[Page] = &[
            $(Page { code: $code, text: include_str!(concat!("../../../../docs/why/", $code, ".md")) },)*
        ];
    };
}

pages! {
    "abandoned-by-sender" "address-limit" "address-opening" "archived-by-operator" "auth-failed"
    "authentication-failed" "backup-mx-used" "banner-timeout" "bounced-by-operator" "cname-loop"
    "command-refused" "connect-error" "connect-refused" "connect-timeout" "connection-lost"
    "content-rejected" "deleted-by-operator" "delivered" "delivery-suspended" "destination-limit"
    "discarded-by-route" "dns-nxdomain" "dns-servfail" "dns-timeout" "domain-blocklisted"
    "domain-not-served" "due" "eight-bit-not-offered" "encryption-required" "expired" "gateway-limit"
    "greeting-rejected" "greylisted" "hello-rejected" "ip-blocklisted" "ip-reputation" "login-required"
    "lost-after-data" "lost-during-data" "mail-loop" "mail-loop-beyond" "mailbox-full" "malformed-message"
    "message-too-big" "missing-route" "mx-no-address" "no-mail-here" "no-reverse-dns" "no-route"
    "not-in-records" "nothing-waits" "null-mx" "on-the-way" "peer-busy" "peer-fault" "peer-out-of-space"
    "peer-policy" "peer-rate-limit" "protocol-error" "receiving-suspended" "recipient-disabled"
    "recipient-rejected" "record-corrupt" "recovering" "refused-here" "refused-network" "refused-queue-full"
    "refused-spool-failed" "refused-spool-space" "relay-denied" "reply-4xx" "reply-5xx"
    "resolver-unreachable" "sender-domain-unresolvable" "sender-rejected" "shutting-down" "smtp-timeout"
    "spool-space" "tls-certificate" "tls-certificate-expired" "tls-certificate-untrusted" "tls-handshake"
    "tls-name-mismatch" "tls-not-offered" "too-big-for-peer" "too-many-recipients" "unknown-recipient"
    "utf8-not-offered" "virus-found" "waiting-for-retry" "work-queue-paused"
}

/// Finds the page of a cause, whatever the case of its letters.
pub fn page(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code.eq_ignore_ascii_case(code))
}

impl Page {
    /// Returns the first sentence: the cause in words.
    pub fn gist(&self) -> String {
        self.blocks()
            .find_map(|block| match block {
                Block::Paragraph(text) => Some(text),
                Block::Heading(_) => None,
            })
            .unwrap_or_default()
    }

    /// Yields what stands below the title.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        let blocks = self.text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
        blocks.filter(|block| !block.starts_with("# ")).map(|block| match block.strip_prefix("## ") {
            Some(heading) => Block::Heading(heading),
            None => Block::Paragraph(block.lines().map(str::trim).collect::<Vec<_>>().join(" ")),
        })
    }

    /// Returns the command that shows the page.
    pub fn command(&self) -> String {
        format!("help why {}", self.code)
    }

    /// Returns the path of the page at the desk.
    pub fn path(&self) -> String {
        format!("/help/why/{}", self.code)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_page_of_the_folder_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/why");
        let files =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> =
            files.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
        let built: BTreeSet<String> = PAGES.iter().map(|page| page.code.to_owned()).collect();
        assert_eq!(built, files);
        assert!(PAGES.is_sorted_by_key(|page| page.code));
    }

    #[test]
    fn a_page_is_headings_and_paragraphs_and_nothing_else() {
        for page in PAGES {
            let blocks: Vec<Block> = page.blocks().collect();
            assert!(page.text.starts_with(&format!("# {}\n", page.code)), "{}", page.code);
            assert!(page.gist().len() > 10 && matches!(blocks[1], Block::Heading(_)), "{}", page.code);
            for block in blocks {
                let Block::Paragraph(text) = block else { continue };
                assert!(text.matches('`').count().is_multiple_of(2), "{}: {text}", page.code);
                let others = ["- ", "* ", "1. ", "|", "#", "```", "> "];
                assert!(!others.iter().any(|other| text.starts_with(other)), "{}: {text}", page.code);
                assert!(!text.contains("](") && !text.contains("**"), "{}: {text}", page.code);
            }
        }
    }

    #[test]
    fn pages_are_found_by_code() {
        let found = page("Connect-Refused").unwrap();
        assert_eq!(
            (found.command(), found.path()),
            ("help why connect-refused".to_owned(), "/help/why/connect-refused".to_owned(),)
        );
        assert_eq!(page("../connect-refused"), None);
    }
}
