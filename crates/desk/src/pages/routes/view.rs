//! Which view of a page an address asks for. What of it cannot be read is told, with the way to the usual view.

use std::str::FromStr;

use axum::http::StatusCode;
use axum::response::Response;
use mailreeve_api::queue::{Column, DeliveryStatus, Direction};

use super::{Fields, frame, respond};
use crate::pages::delivery_status::ROWS;
use crate::pages::timeline::SPANS;
use crate::pages::trouble;
use crate::visitor::Visitor;

/// A value in an address that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// The key of the sentence about it.
    key: &'static str,
    value: String,
}

impl Unread {
    /// Says so, with a link to the view that stands behind it and its name's key.
    pub(super) fn response(&self, visitor: &Visitor, usual: (&str, &str)) -> Response {
        respond(StatusCode::BAD_REQUEST, trouble::view(&frame(visitor, ""), self.key, &self.value, usual))
    }
}

/// The view of Delivery Status.
pub(super) fn of_list(fields: &Fields) -> Result<DeliveryStatus, Unread> {
    Ok(DeliveryStatus {
        sort: word(fields, "sort", "trouble.sort", Column::of_word)?.unwrap_or_default(),
        direction: word(fields, "direction", "trouble.direction", Direction::of_word)?,
        offset: word(fields, "offset", "trouble.offset", number)?.unwrap_or(0),
        limit: ROWS,
        filter: fields.text("filter").unwrap_or_default().to_owned(),
        skip_reasons: 0,
    })
}

/// The recipient, as `MID.RID`, behind which the page of a destination begins.
pub(super) fn after(fields: &Fields) -> Result<Option<(u64, u32)>, Unread> {
    word(fields, "after", "trouble.after", |place| {
        let (mid, rid) = place.split_once('.')?;
        Some((mid.parse().ok()?, rid.parse().ok()?))
    })
}

/// How far back a destination is shown; the shortest span unless another is asked for.
pub(super) fn over(fields: &Fields) -> Result<&'static str, Unread> {
    let known = |asked: &str| SPANS.map(|(span, _)| span).into_iter().find(|span| *span == asked);
    Ok(word(fields, "over", "trouble.over", known)?.unwrap_or(SPANS[0].0))
}

/// Reads a number.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// A field that is there and not empty must be readable.
fn word<T>(
    fields: &Fields,
    name: &str,
    key: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Unread> {
    let Some(value) = fields.text(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    match read(value) {
        Some(read) => Ok(Some(read)),
        None => Err(Unread { key, value: value.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> Option<(&'static str, String)> {
        let fields = Fields::of(query.as_bytes());
        let unread = of_list(&fields).err().or_else(|| after(&fields).err()).or_else(|| over(&fields).err());
        unread.map(|unread| (unread.key, unread.value))
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for query in
            ["", "sort=&offset=", "sort=host&direction=asc&offset=200&filter=%00", "after=7.1", "other=x"]
        {
            assert_eq!(refused(query), None, "{query}");
        }
        for (query, key, value) in [
            ("sort=zzz", "trouble.sort", "zzz"),
            ("direction=up", "trouble.direction", "up"),
            ("offset=-1", "trouble.offset", "-1"),
            ("after=7", "trouble.after", "7"),
            ("over=1y", "trouble.over", "1y"),
            ("after=7.x", "trouble.after", "7.x"),
        ] {
            assert_eq!(refused(query), Some((key, value.to_owned())), "{query}");
        }
    }
}
