//! The commands of a transaction as they go over the wire.

use std::io::Write as _;

use super::{Capabilities, Transaction};
use crate::params::{BodyKind, RcptParams, Return};

/// Appends MAIL with the parameters that the peer offers.
pub(super) fn mail(transaction: &Transaction, offered: &Capabilities, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "MAIL FROM:<{}>", transaction.mail);
    if offered.size.is_some() {
        let _ = write!(out, " SIZE={}", transaction.size);
    }
    let declared = transaction.params.body == BodyKind::EightBitMime || transaction.eight_bit;
    if offered.eight_bit_mime && declared {
        out.extend_from_slice(b" BODY=8BITMIME");
    }
    if offered.smtputf8 && transaction.utf8_needed {
        out.extend_from_slice(b" SMTPUTF8");
    }
    if offered.dsn {
        match transaction.params.ret {
            Some(Return::Full) => out.extend_from_slice(b" RET=FULL"),
            Some(Return::Headers) => out.extend_from_slice(b" RET=HDRS"),
            None => {}
        }
        if let Some(envid) = &transaction.params.envid {
            let _ = write!(out, " ENVID={envid}");
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends RCPT number `index`.
pub(super) fn rcpt(transaction: &Transaction, index: usize, offered: &Capabilities, out: &mut Vec<u8>) {
    let Some((mailbox, params)) = transaction.recipients.get(index) else { return };
    let _ = write!(out, "RCPT TO:<{mailbox}>");
    if offered.dsn {
        notify(params, out);
        if let Some(orcpt) = &params.orcpt {
            let _ = write!(out, " ORCPT={orcpt}");
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn notify(params: &RcptParams, out: &mut Vec<u8>) {
    let Some(notify) = params.notify else { return };
    if notify.never {
        out.extend_from_slice(b" NOTIFY=NEVER");
        return;
    }
    let wanted = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    let words: Vec<&str> = wanted.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    if !words.is_empty() {
        let _ = write!(out, " NOTIFY={}", words.join(","));
    }
}
