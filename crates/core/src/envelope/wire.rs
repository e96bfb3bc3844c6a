//! How the SMTP types of an envelope are stored: paths as they are relayed, parameters field by field.

use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{BodyKind, MailParams, Notify, RcptParams, Return};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A mailbox as a string.
pub(super) mod mailbox {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(mailbox: &Mailbox, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(mailbox)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mailbox, D::Error> {
        let text = String::deserialize(deserializer)?;
        Mailbox::parse(&text).map_err(|_| D::Error::custom("not a mailbox"))
    }
}

/// A reverse path as a string, empty for `<>`.
pub(super) mod reverse_path {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(path: &ReversePath, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(path)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReversePath, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(ReversePath::Null);
        }
        Mailbox::parse(&text).map(ReversePath::Mailbox).map_err(|_| D::Error::custom("not a mailbox"))
    }
}

/// Parameters of MAIL. `SIZE` is not kept: the stored size is relayed.
pub(super) mod mail_params {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(params: &MailParams, serializer: S) -> Result<S::Ok, S::Error> {
        let eight_bit = params.body == BodyKind::EightBitMime;
        let ret_full = params.ret.map(|ret| ret == Return::Full);
        (eight_bit, params.smtputf8, ret_full, &params.envid).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MailParams, D::Error> {
        let (eight_bit, smtputf8, ret_full, envid) =
            <(bool, bool, Option<bool>, Option<String>)>::deserialize(deserializer)?;
        Ok(MailParams {
            size: None,
            body: if eight_bit { BodyKind::EightBitMime } else { BodyKind::SevenBit },
            smtputf8,
            ret: ret_full.map(|full| if full { Return::Full } else { Return::Headers }),
            envid,
        })
    }
}

/// Parameters of RCPT.
pub(super) mod rcpt_params {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(params: &RcptParams, serializer: S) -> Result<S::Ok, S::Error> {
        let notify = params.notify.map(|n| (n.never, n.success, n.failure, n.delay));
        (notify, &params.orcpt).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RcptParams, D::Error> {
        let (notify, orcpt) =
            <(Option<(bool, bool, bool, bool)>, Option<String>)>::deserialize(deserializer)?;
        let notify = notify.map(|(never, success, failure, delay)| Notify { never, success, failure, delay });
        Ok(RcptParams { notify, orcpt })
    }
}
