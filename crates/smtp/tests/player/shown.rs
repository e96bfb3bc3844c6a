//! Questions and notices as they stand behind `?`.

use mailreeve_smtp::address::{Domain, Mailbox};
use mailreeve_smtp::params::{BodyKind, MailParams, RcptParams, Return};
use mailreeve_smtp::server::{Message, Notice, Question};

use super::escaped;

pub(crate) fn shown_notice(notice: &Notice) -> String {
    match notice {
        Notice::Helo { name, esmtp } => format!("{} {name}", if *esmtp { "ehlo" } else { "helo" }),
        Notice::TransactionAborted(why) => format!("aborted {why:?}"),
    }
}

pub(crate) fn shown_question(question: &Question) -> String {
    match question {
        Question::Mail { path, params } => format!("mail <{path}>{}", shown_mail_params(params)),
        Question::Recipient { mailbox, params } => {
            format!("rcpt <{mailbox}>{}{}", shown_domain(mailbox), shown_rcpt_params(params))
        }
        Question::Data => "data".to_owned(),
        Question::Spill(part) => format!("spill {} \"{}\"", part.len(), escaped(part)),
        Question::Message(message) => format!("message {}", shown_message(message)),
        Question::StartTls => "starttls".to_owned(),
    }
}

/// Shows the domain where it is not the written one.
fn shown_domain(mailbox: &Mailbox) -> String {
    match (mailbox.domain(), mailbox.written_domain()) {
        (Some(Domain::Name(name)), Some(written)) if name == written => String::new(),
        (Some(Domain::Name(name)), _) => format!(" at {name}"),
        (Some(Domain::Literal(ip)), _) => format!(" at address {ip}"),
        (None, _) => " without domain".to_owned(),
    }
}

fn shown_mail_params(params: &MailParams) -> String {
    let mut shown = String::new();
    if let Some(size) = params.size {
        shown += &format!(" SIZE={size}");
    }
    match params.body {
        BodyKind::SevenBit => {}
        BodyKind::EightBitMime => shown += " BODY=8BITMIME",
    }
    if params.smtputf8 {
        shown += " SMTPUTF8";
    }
    match params.ret {
        None => {}
        Some(Return::Full) => shown += " RET=FULL",
        Some(Return::Headers) => shown += " RET=HDRS",
    }
    if let Some(envid) = &params.envid {
        shown += &format!(" ENVID={envid}");
    }
    shown
}

fn shown_rcpt_params(params: &RcptParams) -> String {
    let notify = params.notify.map_or(String::new(), |notify| format!(" NOTIFY={notify}"));
    let orcpt = params.orcpt.as_ref().map_or(String::new(), |orcpt| format!(" ORCPT={orcpt}"));
    notify + &orcpt
}

/// Shows size, where the body starts, what is noteworthy, and the octets kept.
fn shown_message(message: &Message) -> String {
    let mut shown = format!("{} body at {}", message.size, message.header_end);
    if message.spilled > 0 {
        shown += &format!(", {} spilled", message.spilled);
    }
    if message.eight_bit {
        shown += ", 8bit";
    }
    if message.dots {
        shown += ", dots";
    }
    shown + &format!(" \"{}\"", escaped(&message.tail))
}
