//! Who comes to the desk.

use serde::{Deserialize, Serialize};

/// What became of somebody's coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignIn {
    /// Came in.
    Granted,
    /// Was turned away: the name or the password is wrong.
    Refused,
    /// For a while nobody comes in by this name from this address.
    NameLocked {
        /** For how long. */
        seconds: u64,
    },
    /// For a while nobody comes in from this address.
    AddressLocked {
        /** For how long. */
        seconds: u64,
    },
    /// Left.
    Left,
    /// So many attempts for this name, from wherever, that comparisons for it wait from now on.
    NameSlowed,
}
