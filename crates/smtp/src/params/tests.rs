#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn nothing_is_the_default() {
    assert_eq!(MailParams::parse(""), Ok(MailParams::default()));
    assert_eq!(MailParams::parse("  "), Ok(MailParams::default()));
    assert_eq!(RcptParams::parse(""), Ok(RcptParams::default()));
}

#[test]
fn mail_takes_its_parameters_in_any_case_and_order() {
    let params = MailParams::parse("envid=QQ+2B314 smtpUTF8 Ret=full BODY=8bitmime size=0000500").unwrap();
    assert_eq!(
        params,
        MailParams {
            size: Some(500),
            body: BodyKind::EightBitMime,
            smtputf8: true,
            ret: Some(Return::Full),
            envid: Some("QQ+2B314".to_owned()),
        }
    );
    assert!(params.uses_dsn() && !MailParams::parse("SIZE=1").unwrap().uses_dsn());
    assert_eq!(MailParams::parse("SIZE=99999999999999999999").unwrap().size, Some(u64::MAX));
    assert_eq!(MailParams::parse("BODY=7BIT").unwrap().body, BodyKind::SevenBit);
}

#[test]
fn mail_refuses_what_it_does_not_understand() {
    for (text, error) in [
        ("SIZE", ParamError::Value("SIZE")),
        ("SIZE=", ParamError::Value("SIZE")),
        ("SIZE=-1", ParamError::Value("SIZE")),
        ("SIZE=+1", ParamError::Value("SIZE")),
        ("SIZE=100000000000000000000", ParamError::Value("SIZE")),
        ("SIZE=1 SIZE=1", ParamError::Twice("SIZE")),
        ("BODY=7BIT BODY=8BITMIME", ParamError::Twice("BODY")),
        ("BODY", ParamError::Value("BODY")),
        ("body=binarymime", ParamError::BinaryMime),
        ("SMTPUTF8 SMTPUTF8", ParamError::Twice("SMTPUTF8")),
        ("SMTPUTF8=", ParamError::Value("SMTPUTF8")),
        ("RET=", ParamError::Value("RET")),
        ("ENVID=", ParamError::Value("ENVID")),
        ("ENVID=+", ParamError::Value("ENVID")),
        ("ENVID=+4", ParamError::Value("ENVID")),
        ("ENVID=+4g", ParamError::Value("ENVID")),
        ("ENVID=a=b", ParamError::Value("ENVID")),
        ("ENVID=é", ParamError::Value("ENVID")),
        ("NOTIFY=NEVER", ParamError::Unknown),
        ("=", ParamError::Unknown),
    ] {
        assert_eq!(MailParams::parse(text), Err(error), "{text}");
    }
}

#[test]
fn long_values_are_refused() {
    let envid = |octets: usize| MailParams::parse(&format!("ENVID={}", "x".repeat(octets)));
    assert!(envid(100).is_ok());
    assert_eq!(envid(101), Err(ParamError::Value("ENVID")));
    let orcpt = |octets: usize| RcptParams::parse(&format!("ORCPT=rfc822;{}", "x".repeat(octets - 7)));
    assert!(orcpt(500).is_ok());
    assert_eq!(orcpt(501), Err(ParamError::Value("ORCPT")));
}

#[test]
fn rcpt_takes_its_parameters() {
    let params = RcptParams::parse("orcpt=RFC822;Bob+40b.example NOTIFY=delay,Success").unwrap();
    let notify = Notify { never: false, success: true, failure: false, delay: true };
    assert_eq!(params.notify, Some(notify));
    assert_eq!(params.orcpt.as_deref(), Some("RFC822;Bob+40b.example"));
    assert!(params.uses_dsn());
    assert_eq!(notify.to_string(), "SUCCESS,DELAY");
    assert_eq!(RcptParams::parse("NOTIFY=NEVER").unwrap().notify.unwrap().to_string(), "NEVER");
    assert!(RcptParams::parse("ORCPT=utf-8;jürgen@bücher.example").is_ok());
    assert!(RcptParams::parse("ORCPT=x400;/c=x/").is_err(), "= must be encoded");
}

#[test]
fn rcpt_refuses_what_it_does_not_understand() {
    for (text, error) in [
        ("NOTIFY", ParamError::Value("NOTIFY")),
        ("NOTIFY=", ParamError::Value("NOTIFY")),
        ("NOTIFY=NEVER,SUCCESS", ParamError::Value("NOTIFY")),
        ("NOTIFY=SUCCESS,NEVER", ParamError::Value("NOTIFY")),
        ("NOTIFY=SUCCESS,,DELAY", ParamError::Value("NOTIFY")),
        ("NOTIFY=NEVER NOTIFY=NEVER", ParamError::Twice("NOTIFY")),
        ("ORCPT=", ParamError::Value("ORCPT")),
        ("ORCPT=a@b", ParamError::Value("ORCPT")),
        ("ORCPT=;a", ParamError::Value("ORCPT")),
        ("ORCPT=rfc822;", ParamError::Value("ORCPT")),
        ("ORCPT=rfc822;é", ParamError::Value("ORCPT")),
        ("ORCPT=rf c822;a", ParamError::Value("ORCPT")),
        ("SIZE=1", ParamError::Unknown),
    ] {
        assert_eq!(RcptParams::parse(text), Err(error), "{text}");
    }
}
