//! The identifiers everything hangs on. Sequences of u64, handed out in durable blocks, never reused.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Message ID: given at MAIL, so a message whose recipients were all refused burns one too.
    Mid, u64
);
number!(
    /// Injection connection ID: one inbound SMTP session. 0 means made by the gateway itself.
    Icid, u64
);
number!(
    /// Delivery connection ID: one outbound SMTP session. 0 means that no connection was reached.
    Dcid, u64
);
number!(
    /// Recipient ID: counts the accepted recipients of one message from 0.
    Rid, u32
);

/// A destination: the recipient's domain in lower-case A-label form, an address literal in brackets, or a
/// special queue's name (`the.encryption.queue`). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Host(Arc<str>);

impl Host {
    /// Makes a host from a name already in lower-case A-label form.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Host {
    fn from(name: String) -> Self {
        Self(Arc::from(name))
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0.as_ref().to_owned()
    }
}

impl Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
