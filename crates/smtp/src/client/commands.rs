//! Commands as they are written, held to what the peer offers.
//!
//! Addresses and parameters were validated when they were parsed, so nothing here can break a line.

use std::io::Write as _;

use super::capabilities::Capabilities;
use super::output::{NotSent, Transaction};
use crate::address::Mailbox;
use crate::params::{BodyKind, RcptParams, Return};

impl Transaction {
    /// Tells why this peer cannot take the message, if so.
    pub(super) fn unsendable(&self, offered: &Capabilities) -> Option<NotSent> {
        if self.needs_smtputf8() && !offered.smtputf8 {
            return Some(NotSent::Smtputf8NotOffered);
        }
        offered.size.filter(|limit| self.size > *limit).map(|limit| NotSent::TooBig { limit })
    }

    fn needs_smtputf8(&self) -> bool {
        self.utf8_needed
            || !self.mail.is_ascii()
            || self.recipients.iter().any(|(mailbox, _)| !mailbox.is_ascii())
    }

    /// Declared by the sender or needed: passed on wherever it can be.
    fn uses_smtputf8(&self, offered: &Capabilities) -> bool {
        offered.smtputf8 && (self.params.smtputf8 || self.needs_smtputf8())
    }

    /// Appends MAIL.
    pub(super) fn write_mail(&self, offered: &Capabilities, out: &mut Vec<u8>) {
        // Writing into a Vec cannot fail; so in all of this file.
        let _ = write!(out, "MAIL FROM:<{}>", self.mail);
        if offered.size_offered {
            let _ = write!(out, " SIZE={}", self.size);
        }
        if offered.eight_bit_mime && (self.eight_bit || self.params.body == BodyKind::EightBitMime) {
            out.extend_from_slice(b" BODY=8BITMIME");
        }
        if self.uses_smtputf8(offered) {
            out.extend_from_slice(b" SMTPUTF8");
        }
        if offered.dsn {
            match self.params.ret {
                Some(Return::Full) => out.extend_from_slice(b" RET=FULL"),
                Some(Return::Headers) => out.extend_from_slice(b" RET=HDRS"),
                None => {}
            }
            if let Some(envid) = &self.params.envid {
                let _ = write!(out, " ENVID={envid}");
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Appends RCPT for the recipient at `index`, if there is one.
    pub(super) fn write_rcpt(&self, index: usize, offered: &Capabilities, out: &mut Vec<u8>) {
        if let Some((mailbox, params)) = self.recipients.get(index) {
            write_rcpt(mailbox, params, self.uses_smtputf8(offered), offered, out);
        }
    }

    /// Appends the line that announces the whole content as one chunk (RFC 3030).
    pub(super) fn write_bdat(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "BDAT {} LAST\r\n", self.size);
    }
}

fn write_rcpt(
    mailbox: &Mailbox,
    params: &RcptParams,
    smtputf8: bool,
    offered: &Capabilities,
    out: &mut Vec<u8>,
) {
    let _ = write!(out, "RCPT TO:<{mailbox}>");
    if offered.dsn {
        if let Some(notify) = params.notify {
            let _ = write!(out, " NOTIFY={notify}");
        }
        if let Some(orcpt) = &params.orcpt {
            out.extend_from_slice(b" ORCPT=");
            write_orcpt(orcpt, smtputf8, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// The unencoded form of a `utf-8` address may go only where SMTPUTF8 goes; elsewhere characters beyond
/// ASCII are written as `\x{...}` (RFC 6533 3, utf-8-addr-xtext).
fn write_orcpt(orcpt: &str, smtputf8: bool, out: &mut Vec<u8>) {
    if smtputf8 || orcpt.is_ascii() {
        return out.extend_from_slice(orcpt.as_bytes());
    }
    for c in orcpt.chars() {
        let _ = match c.is_ascii() {
            true => write!(out, "{c}"),
            false => write!(out, "\\x{{{:X}}}", u32::from(c)),
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::address::ReversePath;
    use crate::params::MailParams;

    fn transaction() -> Transaction {
        Transaction {
            tag: 1,
            mail: ReversePath::parse("joe@a.test").unwrap(),
            params: MailParams::parse("RET=HDRS ENVID=x+2By BODY=8BITMIME SIZE=7").unwrap(),
            recipients: vec![(
                Mailbox::parse("\"j d\"@b.test").unwrap(),
                RcptParams::parse("NOTIFY=FAILURE,DELAY ORCPT=utf-8;j\u{fc}rgen@b.test").unwrap(),
            )],
            size: 12,
            eight_bit: false,
            utf8_needed: false,
        }
    }

    fn written(transaction: &Transaction, offered: &Capabilities) -> String {
        let mut out = Vec::new();
        transaction.write_mail(offered, &mut out);
        transaction.write_rcpt(0, offered, &mut out);
        transaction.write_rcpt(1, offered, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_is_said_that_was_not_offered() {
        let plain = written(&transaction(), &Capabilities::default());
        assert_eq!(plain, "MAIL FROM:<joe@a.test>\r\nRCPT TO:<\"j d\"@b.test>\r\n");
    }

    #[test]
    fn what_is_offered_is_used() {
        let mut offered =
            Capabilities { size_offered: true, eight_bit_mime: true, dsn: true, ..Capabilities::default() };
        assert_eq!(
            written(&transaction(), &offered),
            "MAIL FROM:<joe@a.test> SIZE=12 BODY=8BITMIME RET=HDRS ENVID=x+2By\r\n\
             RCPT TO:<\"j d\"@b.test> NOTIFY=FAILURE,DELAY ORCPT=utf-8;j\\x{FC}rgen@b.test\r\n"
        );
        offered.smtputf8 = true;
        let mut utf8 = transaction();
        utf8.utf8_needed = true;
        assert_eq!(
            written(&utf8, &offered),
            "MAIL FROM:<joe@a.test> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By\r\n\
             RCPT TO:<\"j d\"@b.test> NOTIFY=FAILURE,DELAY ORCPT=utf-8;j\u{fc}rgen@b.test\r\n"
        );
    }

    #[test]
    fn smtputf8_is_needed_for_an_address_and_passed_on_when_declared() {
        let none = Capabilities::default();
        let offered = Capabilities { smtputf8: true, ..Capabilities::default() };
        let mut declared = transaction();
        declared.params.smtputf8 = true;
        assert_eq!(declared.unsendable(&none), None);
        assert!(written(&declared, &offered).starts_with("MAIL FROM:<joe@a.test> SMTPUTF8\r\n"));
        let mut addressed = transaction();
        addressed.recipients[0].0 = Mailbox::parse("j\u{fc}rgen@b.test").unwrap();
        assert_eq!(addressed.unsendable(&none), Some(NotSent::Smtputf8NotOffered));
        assert_eq!(addressed.unsendable(&offered), None);
    }

    #[test]
    fn the_peers_size_is_a_limit_it_can_be_met() {
        let offered = Capabilities { size_offered: true, size: Some(12), ..Capabilities::default() };
        let mut transaction = transaction();
        assert_eq!(transaction.unsendable(&offered), None);
        transaction.size = 13;
        assert_eq!(transaction.unsendable(&offered), Some(NotSent::TooBig { limit: 12 }));
    }
}
