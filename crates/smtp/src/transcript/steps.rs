//! Steps as octets: kind, microseconds since the step before, length, text. Numbers in groups of seven bits, the
//! least first.

/// Most octets before the text of a step.
pub(super) const HEAD_MAX: usize = 1 + 2 * 10;

/// What a step holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    HeardText = 0,
    SaidText = 1,
    HeardContent = 2,
    SaidContent = 3,
    HeardHidden = 4,
    SaidHidden = 5,
    Note = 6,
    /// Nothing but time that passed.
    Time = 7,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::HeardText,
        Self::SaidText,
        Self::HeardContent,
        Self::SaidContent,
        Self::HeardHidden,
        Self::SaidHidden,
        Self::Note,
        Self::Time,
    ];

    /// Tells whether the length is that of a text which follows.
    const fn has_text(self) -> bool {
        matches!(self, Self::HeardText | Self::SaidText | Self::Note)
    }
}

/// Appends what stands before a text.
pub(super) fn push_head(octets: &mut Vec<u8>, kind: Kind, after_us: u64, length: u64) {
    octets.push(kind as u8);
    push_number(octets, after_us);
    push_number(octets, length);
}

fn push_number(octets: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        octets.push((number as u8) | 0x80);
        number >>= 7;
    }
    octets.push(number as u8);
}

/// A step of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Microseconds after the stretch's [`from_us`](super::Stretch::from_us).
    pub after_us: u64,
    /// What it was.
    pub what: What,
}

/// What a step was. "Heard" is what came from the other end, "said" what went to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Lines that came, with their line ends. Octets that are no UTF-8 are replaced.
    Heard(String),
    /// Lines that went.
    Said(String),
    /// So many octets of content came.
    HeardContent(u64),
    /// So many octets of content went.
    SaidContent(u64),
    /// So many octets came that are not kept.
    HeardHidden(u64),
    /// So many octets went that are not kept: credentials.
    SaidHidden(u64),
    /// A fact in our own words.
    Note(String),
}

/// Reads the steps of a stretch. What is not well-formed ends it.
pub fn steps(octets: &[u8]) -> Vec<Step> {
    let mut rest = octets;
    let mut after_us = 0u64;
    let mut steps = Vec::new();
    while let Some((kind, after, length)) = take_head(&mut rest) {
        after_us = after_us.saturating_add(after);
        let mut text = String::new();
        if kind.has_text() {
            let Some((octets, behind)) = usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n))
            else {
                break;
            };
            text = String::from_utf8_lossy(octets).into_owned();
            rest = behind;
        }
        let what = match kind {
            Kind::HeardText => What::Heard(text),
            Kind::SaidText => What::Said(text),
            Kind::HeardContent => What::HeardContent(length),
            Kind::SaidContent => What::SaidContent(length),
            Kind::HeardHidden => What::HeardHidden(length),
            Kind::SaidHidden => What::SaidHidden(length),
            Kind::Note => What::Note(text),
            Kind::Time => continue,
        };
        steps.push(Step { after_us, what });
    }
    steps
}

fn take_head(rest: &mut &[u8]) -> Option<(Kind, u64, u64)> {
    let (kind, behind) = rest.split_first()?;
    let kind = *Kind::ALL.get(usize::from(*kind))?;
    *rest = behind;
    Some((kind, take_number(rest)?, take_number(rest)?))
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (octet, behind) = rest.split_first()?;
        *rest = behind;
        number |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
