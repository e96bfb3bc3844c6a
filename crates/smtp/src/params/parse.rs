//! `keyword[=value]` lists behind a path (RFC 5321 4.1.2, esmtp-param), without allocating for the keywords.

use super::{BodyKind, ENVID_OCTETS, MailParams, Notify, ORCPT_OCTETS, ParamError, RcptParams, Return};

pub(super) fn mail(text: &str) -> Result<MailParams, ParamError> {
    let mut params = MailParams::default();
    let mut body = None;
    for word in words(text) {
        let (keyword, value) = split(word);
        if keyword.eq_ignore_ascii_case("SIZE") {
            once("SIZE", &mut params.size, size(value))?;
        } else if keyword.eq_ignore_ascii_case("BODY") {
            once("BODY", &mut body, Some(body_kind(value)?))?;
        } else if keyword.eq_ignore_ascii_case("SMTPUTF8") {
            if params.smtputf8 {
                return Err(ParamError::Twice("SMTPUTF8"));
            }
            if value.is_some() {
                return Err(ParamError::Value("SMTPUTF8"));
            }
            params.smtputf8 = true;
        } else if keyword.eq_ignore_ascii_case("RET") {
            once("RET", &mut params.ret, ret(value))?;
        } else if keyword.eq_ignore_ascii_case("ENVID") {
            once("ENVID", &mut params.envid, envid(value))?;
        } else {
            return Err(ParamError::Unknown);
        }
    }
    params.body = body.unwrap_or_default();
    Ok(params)
}

pub(super) fn rcpt(text: &str) -> Result<RcptParams, ParamError> {
    let mut params = RcptParams::default();
    for word in words(text) {
        let (keyword, value) = split(word);
        if keyword.eq_ignore_ascii_case("NOTIFY") {
            once("NOTIFY", &mut params.notify, notify(value))?;
        } else if keyword.eq_ignore_ascii_case("ORCPT") {
            once("ORCPT", &mut params.orcpt, orcpt(value))?;
        } else {
            return Err(ParamError::Unknown);
        }
    }
    Ok(params)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

fn split(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    }
}

/// Fills `slot` unless it is filled already; `value` is `None` when it was malformed.
fn once<T>(keyword: &'static str, slot: &mut Option<T>, value: Option<T>) -> Result<(), ParamError> {
    if slot.is_some() {
        return Err(ParamError::Twice(keyword));
    }
    *slot = Some(value.ok_or(ParamError::Value(keyword))?);
    Ok(())
}

/// RFC 1870 3: up to 20 digits. More than a `u64` holds is still a size, only a hopeless one.
fn size(value: Option<&str>) -> Option<u64> {
    let digits = value?;
    let well_formed = matches!(digits.len(), 1..=20) && digits.bytes().all(|b| b.is_ascii_digit());
    well_formed.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn body_kind(value: Option<&str>) -> Result<BodyKind, ParamError> {
    match value {
        Some(v) if v.eq_ignore_ascii_case("7BIT") => Ok(BodyKind::SevenBit),
        Some(v) if v.eq_ignore_ascii_case("8BITMIME") => Ok(BodyKind::EightBitMime),
        Some(v) if v.eq_ignore_ascii_case("BINARYMIME") => Err(ParamError::BinaryMime),
        Some(_) | None => Err(ParamError::Value("BODY")),
    }
}

fn ret(value: Option<&str>) -> Option<Return> {
    match value? {
        v if v.eq_ignore_ascii_case("FULL") => Some(Return::Full),
        v if v.eq_ignore_ascii_case("HDRS") => Some(Return::Headers),
        _ => None,
    }
}

fn envid(value: Option<&str>) -> Option<String> {
    let value = value?;
    (matches!(value.len(), 1..=ENVID_OCTETS) && is_xtext(value.as_bytes())).then(|| value.to_owned())
}

fn notify(value: Option<&str>) -> Option<Notify> {
    let mut notify = Notify::default();
    for word in value?.split(',') {
        let wanted = match word {
            w if w.eq_ignore_ascii_case("NEVER") => &mut notify.never,
            w if w.eq_ignore_ascii_case("SUCCESS") => &mut notify.success,
            w if w.eq_ignore_ascii_case("FAILURE") => &mut notify.failure,
            w if w.eq_ignore_ascii_case("DELAY") => &mut notify.delay,
            _ => return None,
        };
        *wanted = true;
    }
    let contradicts = notify.never && (notify.success || notify.failure || notify.delay);
    (!contradicts).then_some(notify)
}

/// `addr-type ";" xtext`; of the type `utf-8` also unencoded UTF-8 (RFC 6533 3, utf-8-addr-unitext).
fn orcpt(value: Option<&str>) -> Option<String> {
    let value = value?;
    let (kind, address) = value.split_once(';')?;
    let kind_is_atom = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let well_formed = !address.is_empty()
        && match kind.eq_ignore_ascii_case("utf-8") {
            true => address.chars().all(|c| !c.is_control() && !matches!(c, ' ' | '=' | '+')),
            false => is_xtext(address.as_bytes()),
        };
    (value.len() <= ORCPT_OCTETS && kind_is_atom && well_formed).then(|| value.to_owned())
}

/// RFC 3461 4: printable ASCII without `+` and `=`, or `+` and two hexadecimal digits.
fn is_xtext(mut text: &[u8]) -> bool {
    while let Some((&first, rest)) = text.split_first() {
        text = match (first, rest) {
            (b'+', [high, low, rest @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            (b'!'..=b'*' | b','..=b'<' | b'>'..=b'~', _) => rest,
            _ => return false,
        };
    }
    true
}
