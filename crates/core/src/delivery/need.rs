//! What a recipient needs of the mail server that takes it.

/// What a recipient needs of a peer; each need has a line of its own, so that nobody waits behind another need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any peer will do, as far as known.
    Plain,
    /// One that offers SMTPUTF8.
    Utf8,
    /// Another one than that which could not take the message. Those with like content stand in one line, the
    /// smallest first: what cannot take the first of them can take none.
    Aside { utf8: bool, eight_bit: bool },
}

impl Need {
    /// How many lines there are.
    pub(super) const LINES: usize = 6;

    /// All needs, in the order of their lines.
    pub(super) const ALL: [Self; Self::LINES] = [
        Self::Plain,
        Self::Utf8,
        Self::Aside { utf8: false, eight_bit: false },
        Self::Aside { utf8: true, eight_bit: false },
        Self::Aside { utf8: false, eight_bit: true },
        Self::Aside { utf8: true, eight_bit: true },
    ];

    /// Returns the number of its line.
    pub(super) fn line(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Utf8 => 1,
            Self::Aside { utf8, eight_bit } => 2 + usize::from(utf8) + 2 * usize::from(eight_bit),
        }
    }
}
