//! The words of `deliverystatus`.

use std::ops::RangeInclusive;

use super::{Column, DeliveryStatus, DeliveryStatusReply, page_size};
use crate::command::{Argument, Command, Effect, Role, Spec, no_more};
use crate::wire::Problem;

/// Most rows of a page.
const LIMIT_MAX: usize = 1_000;
const LIMITS: RangeInclusive<usize> = 1..=LIMIT_MAX;
const OFFSETS: RangeInclusive<usize> = 0..=usize::MAX;

impl Command for DeliveryStatus {
    type Reply = DeliveryStatusReply;
    const SPEC: Spec = Spec {
        words: "deliverystatus",
        summary: "shows why mail waits, and every destination with its state",
        about: "First the reasons, each with how many recipients wait for it, where, since when, who can do something about it and what happens next. Above a filtered list the reasons are those of all destinations. Then the destinations, sorted by one column: twenty, or those that `offset N` and `limit N`, in any order after the column, say. The first twelve reasons are told in words, those behind them with `skip_reasons 12`; `--json` has them all.",
        arguments: &[
            Argument {
                name: "column",
                help: "the column to sort by (active_rcpts)",
                required: false,
                choices: &[
                    "host",
                    "status",
                    "active_rcpts",
                    "conn_out",
                    "deliv_recip",
                    "soft_bounced",
                    "hard_bounced",
                ],
            },
            Argument {
                name: "filter",
                help: "only destinations whose name contains this",
                required: false,
                choices: &[],
            },
            Argument {
                name: "offset",
                help: "how many destinations to leave out before, also as `offset N` (0)",
                required: false,
                choices: &[],
            },
            Argument {
                name: "limit",
                help: "how many destinations to list, 1 to 1000, also as `limit N` (20)",
                required: false,
                choices: &[],
            },
            Argument {
                name: "skip_reasons",
                help: "how many reasons to leave out before, also as `skip_reasons N` (0)",
                required: false,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/deliverystatus",
        example: "deliverystatus status example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let Some((word, rest)) = words.split_first() else { return Ok(Self::default()) };
        let sort = Column::of_word(word).ok_or_else(|| {
            Problem::new(
                format!("`{word}` is not a column of the delivery status"),
                format!("one of {}", Column::ALL.map(|(name, _)| name).join(", ")),
            )
        })?;
        let (mut offset, mut limit, mut skip, mut plain) = (None, None, None, Vec::new());
        let mut rest = rest.iter();
        while let Some(word) = rest.next() {
            match word.to_ascii_lowercase().as_str() {
                "offset" => put(&mut offset, "offset", rest.next(), OFFSETS)?,
                "limit" => put(&mut limit, "limit", rest.next(), LIMITS)?,
                "skip_reasons" | "skip-reasons" => put(&mut skip, "skip_reasons", rest.next(), OFFSETS)?,
                _ => plain.push(word.clone()),
            }
        }
        // What stands without its name: the filter, the offset, the limit, the reasons left out.
        no_more(&plain, 4, &Self::SPEC)?;
        let filter = plain.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        if let Some(word) = plain.get(1) {
            put(&mut offset, "offset", Some(word), OFFSETS)?;
        }
        if let Some(word) = plain.get(2) {
            put(&mut limit, "limit", Some(word), LIMITS)?;
        }
        if let Some(word) = plain.get(3) {
            put(&mut skip, "skip_reasons", Some(word), OFFSETS)?;
        }
        let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or_else(page_size));
        Ok(Self { sort, filter, offset, limit, direction: None, skip_reasons: skip.unwrap_or(0) })
    }
}

/// Takes a number that may be given once.
fn put(
    place: &mut Option<usize>,
    name: &str,
    word: Option<&String>,
    range: RangeInclusive<usize>,
) -> Result<(), Problem> {
    let given = word.map_or("nothing", String::as_str);
    let number = given.parse().ok().filter(|number| range.contains(number) && place.is_none());
    *place = Some(number.ok_or_else(|| {
        Problem::new(
            format!("deliverystatus does not know what to do with `{given}` as its {name}"),
            format!(
                "each once: `offset N` and `skip_reasons N`, from 0, and `limit N`, 1 to {LIMIT_MAX}; one word to filter by"
            ),
        )
    })?);
    Ok(())
}
