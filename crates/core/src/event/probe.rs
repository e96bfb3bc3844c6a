//! What a probe found, in sum.

use serde::{Deserialize, Serialize};

/// Octets of the text at most.
const TEXT: usize = 300;

/// What a probe of a destination found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSum {
    /// Addresses that were tried, each from each source.
    pub addresses: u32,
    /// Those of them where mail would have been handed over.
    pub usable: u32,
    /// `ok`, or the code of what delivery would make of it.
    pub code: String,
    /// The same in a sentence, at most 300 octets.
    pub text: String,
}

impl ProbeSum {
    /// Makes a sum; a long text is cut.
    pub fn new(addresses: u32, usable: u32, code: &str, text: &str) -> Self {
        let text = text[..text.floor_char_boundary(TEXT)].to_owned();
        Self { addresses, usable, code: code.to_owned(), text }
    }
}
