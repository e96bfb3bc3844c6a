//! The description of REST for programs (OpenAPI 3.1), made from the registry, so it cannot be out of date.

use mailreeve_api::command::{Argument, Effect, Spec};
use mailreeve_api::registry::COMMANDS;
use serde_json::{Map, Value, json};

/// The document of a gateway.
pub(crate) fn document(hostname: &str) -> Value {
    let mut paths: Map<String, Value> =
        COMMANDS.iter().map(|entry| (entry.spec.route.to_owned(), path(&entry.spec))).collect();
    paths.insert("/api/v1/session".to_owned(), session());
    paths.insert("/api/v1/stream/delivery-status".to_owned(), stream());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("Mailreeve at {hostname}"),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every command of the gateway, by its route. Arguments, roles and replies are those \
                            of the command line with --json.",
        },
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": ways_in() },
    })
}

fn path(spec: &Spec) -> Value {
    let mut operation = json!({
        "operationId": spec.words.replace(' ', "_"),
        "summary": spec.summary,
        "description": format!("{} Needs the role {} or one above it.", spec.about, spec.role.word()),
        "x-mailreeve-command": spec.words,
        "x-mailreeve-role": spec.role.word(),
        "responses": responses(),
    });
    match spec.effect {
        Effect::Read => {
            let parameters: Vec<Value> = spec.arguments.iter().map(parameter).collect();
            operation["parameters"] = json!(parameters);
            json!({ "get": operation })
        }
        Effect::Change => {
            operation["requestBody"] = body(spec);
            json!({ "post": operation })
        }
    }
}

fn parameter(argument: &Argument) -> Value {
    json!({
        "name": argument.name,
        "in": "query",
        "required": argument.required,
        "description": argument.help,
        "schema": schema(argument),
    })
}

fn body(spec: &Spec) -> Value {
    let described = |argument: &Argument| {
        let mut schema = schema(argument);
        schema["description"] = json!(argument.help);
        (argument.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = spec.arguments.iter().map(described).collect();
    let required: Vec<&str> =
        spec.arguments.iter().filter(|argument| argument.required).map(|argument| argument.name).collect();
    json!({
        "required": !required.is_empty(),
        "content": { "application/json": { "schema": {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        } } },
    })
}

fn schema(argument: &Argument) -> Value {
    match argument.choices {
        [] => json!({ "type": "string" }),
        choices => json!({ "type": "string", "enum": choices }),
    }
}

fn responses() -> Value {
    let content = |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    json!({
        "200": { "description": "The reply.", "content": content("Reply") },
        "default": { "description": "A problem; its kind says which.", "content": content("Refusal") },
    })
}

fn session() -> Value {
    json!({ "get": {
        "operationId": "session",
        "summary": "tells who asks",
        "description": "User, role and address, and what a browser's session must send in X-CSRF-Token to change \
                        something.",
        "responses": responses(),
    } })
}

fn stream() -> Value {
    json!({ "get": {
        "operationId": "stream_delivery_status",
        "summary": "tells about once a second how delivery stands",
        "description": "Server-sent events named `delivery-status`; the data of each is a JSON object with the \
                        replies of `status` and `tophosts`. A stream ends after five minutes; open another one.",
        "responses": { "200": { "description": "The events.", "content": { "text/event-stream": {} } } },
    } })
}

fn schemas() -> Value {
    json!({
        "Reply": {
            "type": "object",
            "properties": {
                "v": { "const": mailreeve_api::wire::VERSION },
                "ok": { "description": "The reply, as the command line prints it with --json." },
            },
            "required": ["v", "ok"],
        },
        "Refusal": {
            "type": "object",
            "properties": {
                "v": { "const": mailreeve_api::wire::VERSION },
                "error": {
                    "type": "object",
                    "properties": {
                        "message": { "type": "string", "description": "What and where." },
                        "hint": { "type": "string", "description": "What to do." },
                        "kind": { "type": "string", "description": "What sort of problem, for programs." },
                    },
                    "required": ["message", "kind"],
                },
            },
            "required": ["v", "error"],
        },
    })
}

fn ways_in() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that `mailreeve desk-user token` made.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "mailreeve",
            "description": "A browser's session (under TLS the cookie is called __Host-mailreeve). What changes \
                            something needs the field X-CSRF-Token beside it.",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_described_at_its_route_with_its_method() {
        let document = document("gw.test");
        for entry in COMMANDS {
            let path = &document["paths"][entry.spec.route];
            let (method, other) = match entry.spec.effect {
                Effect::Read => ("get", "post"),
                Effect::Change => ("post", "get"),
            };
            let operation = &path[method];
            assert_eq!(operation["x-mailreeve-command"], entry.spec.words);
            assert!(path[other].is_null(), "{}", entry.spec.words);
            for argument in entry.spec.arguments {
                assert!(
                    operation.to_string().contains(&format!("\"{}\"", argument.name)),
                    "{}",
                    argument.name
                );
            }
        }
    }
}
