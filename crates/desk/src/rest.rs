//! REST: every command of the registry at its route, `GET` for those that look and `POST` for those that change.
//!
//! Arguments have the names of the specification, in the query or in a JSON object, and are read as the words of the
//! command line are: what is right and wrong there is right and wrong here. A reply is
//! `{"v":1,"ok":{...}}`, a problem `{"v":1,"error":{"message","hint","kind"}}` with the status of its kind.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use mailreeve_api::command::{Effect, Entry, Spec};
use mailreeve_api::registry::COMMANDS;
use mailreeve_api::wire::{Answer, Call, Caller, Problem, ProblemKind};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::problem::Refusal;
use crate::visitor::Visitor;
use crate::{openapi, stream};

/// Arguments by name.
type Named = BTreeMap<String, String>;

pub(crate) fn routes() -> Router<Desk> {
    let commands = COMMANDS.iter().fold(Router::new(), |router, entry| {
        let route = match entry.spec.effect {
            Effect::Read => get(move |visitor: Visitor, RawQuery(query): RawQuery| async move {
                carry_out(&visitor, entry, of_query(query.as_deref().unwrap_or_default())).await
            }),
            Effect::Change => post(move |visitor: Visitor, body: Bytes| async move {
                carry_out(&visitor, entry, of_body(&body)).await
            }),
        };
        router.route(entry.spec.route, route)
    });
    commands
        .route("/api/v1/openapi.json", get(describe))
        .route("/api/v1/session", get(session))
        .route("/api/v1/stream/delivery-status", get(stream::delivery_status))
}

async fn describe(visitor: Visitor) -> impl IntoResponse {
    Json(openapi::document(visitor.desk().hostname()))
}

/// Who asks, and what a script of ours must send in `X-CSRF-Token` to change something.
async fn session(visitor: Visitor) -> impl IntoResponse {
    let Caller { user, role, from } = visitor.caller();
    Json(Answer::ok(json!({ "user": user, "role": role.word(), "from": from, "csrf": visitor.csrf() })))
}

async fn carry_out(visitor: &Visitor, entry: &Entry, named: Result<Named, Problem>) -> Response {
    let outcome = match named.and_then(|named| words(entry, named)).and_then(|words| (entry.parse)(&words)) {
        Ok(args) => visitor.ask(&Call::new(entry.spec.words, args)).await,
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(reply) => Json(Answer::ok(reply)).into_response(),
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// The words of the command line that say the same as named arguments. The last one of a command that takes all
/// words that are left is words between spaces.
fn words(entry: &Entry, mut named: Named) -> Result<Vec<String>, Problem> {
    let spec = &entry.spec;
    let last = spec.arguments.last().filter(|_| entry.open_ended).map(|argument| argument.name);
    let mut words = Vec::new();
    let mut left_out = None;
    for argument in spec.arguments {
        if entry.named {
            words.extend(
                named.remove(argument.name).into_iter().flat_map(|value| [argument.name.to_owned(), value]),
            );
            continue;
        }
        match (named.remove(argument.name), left_out) {
            (Some(value), None) if last == Some(argument.name) => {
                words.extend(value.split_whitespace().map(str::to_owned));
            }
            (Some(value), None) => words.push(value),
            (Some(_), Some(before)) => {
                let message = format!("`{}` needs `{before}` beside it", argument.name);
                return Err(Problem::new(message, known(spec)));
            }
            (None, _) => left_out = left_out.or(Some(argument.name)),
        }
    }
    match named.into_keys().next() {
        None => Ok(words),
        Some(other) => Err(Problem::new(format!("`{}` has no argument `{other}`", spec.words), known(spec))),
    }
}

fn known(spec: &Spec) -> String {
    let names: Vec<&str> = spec.arguments.iter().map(|argument| argument.name).collect();
    match names.is_empty() {
        true => "it has no arguments".to_owned(),
        false => format!("its arguments, in this order: {}", names.join(", ")),
    }
}

fn of_query(query: &str) -> Result<Named, Problem> {
    let mut named = Named::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if named.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(Problem::new(format!("`{name}` is there twice"), "give each argument once"));
        }
    }
    Ok(named)
}

fn of_body(body: &[u8]) -> Result<Named, Problem> {
    let hint = "send a JSON object with the arguments by name, or nothing";
    if body.is_empty() {
        return Ok(Named::new());
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Problem::new(format!("the body is not JSON: {error}"), hint))?;
    let Value::Object(fields) = value else {
        return Err(Problem::new("the body is not a JSON object", hint));
    };
    let mut named = Named::new();
    for (name, value) in fields {
        let word = match value {
            Value::Null => continue,
            Value::String(word) => word,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(Problem::new(format!("`{name}` is not one value"), hint));
            }
        };
        named.insert(name, word);
    }
    Ok(named)
}

/// A method that a route does not have.
pub(crate) async fn other_method() -> Refusal {
    let hint = "what looks is a GET, what changes something is a POST; /api/v1/openapi.json tells each";
    Refusal(Problem::new("this is not asked for in this way", hint).of(ProblemKind::Method))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Whatever the command line takes can be said with named arguments, and means the same.
    #[test]
    fn every_example_can_be_given_by_name() {
        for entry in COMMANDS {
            let own = entry.spec.words.split(' ').count();
            let typed: Vec<String> = entry.spec.example.split(' ').skip(own).map(str::to_owned).collect();
            if entry.named {
                let first = entry.spec.arguments.first().filter(|first| first.required);
                let typed: Vec<String> =
                    first.map(|first| first.name.to_owned()).into_iter().chain(typed).collect();
                let pairs = typed.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone()));
                let said = words(entry, pairs.collect()).unwrap();
                assert_eq!(said.len(), typed.len(), "{}", entry.spec.words);
                assert!((entry.parse)(&said).is_ok(), "{}", entry.spec.words);
                continue;
            }
            let values = match entry.open_ended {
                true => vec![typed.join(" ")],
                false => typed.clone(),
            };
            assert!(
                values.len() <= entry.spec.arguments.len(),
                "{} has words without a name",
                entry.spec.words
            );
            let pairs = entry.spec.arguments.iter().zip(values);
            let named = pairs.map(|(argument, value)| (argument.name.to_owned(), value)).collect();
            assert_eq!(words(entry, named).unwrap(), typed, "{}", entry.spec.words);
        }
    }

    #[test]
    fn unknown_and_doubled_arguments_are_refused() {
        for entry in COMMANDS {
            let stray = Named::from([("no-such-argument".to_owned(), "x".to_owned())]);
            let problem = words(entry, stray).unwrap_err();
            assert!(problem.message.contains("no-such-argument"), "{}", problem.message);
        }
        assert!(of_query("host=a&host=b").is_err());
        assert_eq!(of_query("host=a%20b").unwrap()["host"], "a b");
    }

    #[test]
    fn a_later_argument_needs_the_one_before() {
        let (entry, _) = mailreeve_api::registry::find(&["showrecipients".to_owned()]).unwrap();
        let named = of_query("what=example.com").unwrap();
        assert!(words(entry, named).unwrap_err().message.contains("`scope`"));
    }

    #[test]
    fn a_body_is_an_object_of_plain_values() {
        assert_eq!(of_body(b"").unwrap(), Named::new());
        let named = of_body(br#"{"scope":"all","count":3,"sure":true,"what":null}"#).unwrap();
        let pairs: Vec<(&str, &str)> = named.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("count", "3"), ("scope", "all"), ("sure", "true")]);
        for body in ["[", "[]", "\"all\"", r#"{"scope":["all"]}"#, r#"{"scope":{}}"#] {
            assert!(of_body(body.as_bytes()).is_err(), "{body}");
        }
    }
}
