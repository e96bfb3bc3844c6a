//! Columns of the delivery status, and the direction in which rows are sorted by one.

use serde::{Deserialize, Serialize};

/// A column of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Destination Domain.
    Host,
    /// Latest Host Status: down, unknown, up.
    Status,
    /// Active Recipients.
    #[default]
    ActiveRcpts,
    /// Connections Out.
    ConnOut,
    /// Delivered Recipients.
    DelivRecip,
    /// Soft Bounced.
    SoftBounced,
    /// Hard Bounced.
    HardBounced,
}

impl Column {
    /// All columns in the order of the list, with their words.
    pub const ALL: [(&'static str, Self); 7] = [
        ("host", Self::Host),
        ("status", Self::Status),
        ("active_rcpts", Self::ActiveRcpts),
        ("conn_out", Self::ConnOut),
        ("deliv_recip", Self::DelivRecip),
        ("soft_bounced", Self::SoftBounced),
        ("hard_bounced", Self::HardBounced),
    ];

    /// Returns the column of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, column)| *column)
    }

    /// Returns its word.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, column)| *column == self).map_or("", |(name, _)| name)
    }

    /// Returns the direction in which one looks at it first: names from A, numbers from the largest, states from
    /// the worst.
    pub const fn usual(self) -> Direction {
        match self {
            Self::Host | Self::Status => Direction::Ascending,
            Self::ActiveRcpts | Self::ConnOut | Self::DelivRecip | Self::SoftBounced | Self::HardBounced => {
                Direction::Descending
            }
        }
    }
}

/// A direction of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Smallest first.
    #[serde(rename = "asc")]
    Ascending,
    /// Largest first.
    #[serde(rename = "desc")]
    Descending,
}

impl Direction {
    /// Returns the direction of a word: `asc` or `desc`.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Ascending, Self::Descending].into_iter().find(|direction| direction.word() == word)
    }

    /// Returns its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}
