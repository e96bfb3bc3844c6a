//! Menus: what can be done next, after a command has shown how things are.

use std::fmt::Write as _;

use serde_json::Value;

/// A line of a menu.
pub(crate) struct Operation {
    /// What is typed, in any case.
    pub(crate) name: &'static str,
    about: &'static str,
    /// The words of the command that it gives.
    pub(crate) command: &'static str,
    /// Whether it is offered after this reply.
    offered: fn(&Value) -> bool,
}

const MENUS: &[(&str, &[Operation])] = &[(
    "workqueue",
    &[
        Operation {
            name: "STATUS",
            about: "Display work queue status",
            command: "workqueue status",
            offered: |_| true,
        },
        Operation {
            name: "PAUSE",
            about: "Pause the work queue",
            command: "workqueue pause",
            offered: |reply| reply["paused_by"].is_null(),
        },
        Operation {
            name: "RESUME",
            about: "Resume the work queue",
            command: "workqueue resume",
            offered: |reply| !reply["paused_by"].is_null(),
        },
        Operation {
            name: "RATE",
            about: "Display work queue statistics over time",
            command: "workqueue rate",
            offered: |_| true,
        },
    ],
)];

/// What a command offers after its reply.
pub(crate) fn menu(words: &str, reply: &Value) -> Vec<&'static Operation> {
    let operations = MENUS.iter().find(|(command, _)| *command == words).map_or(&[][..], |(_, all)| all);
    operations.iter().filter(|operation| (operation.offered)(reply)).collect()
}

/// A menu as it is shown, its prompt included.
pub(crate) fn text(operations: &[&Operation]) -> String {
    let mut out = String::from("\nChoose the operation you want to perform:\n");
    for Operation { name, about, .. } in operations {
        let _ = writeln!(out, "- {name} - {about}");
    }
    out.push_str("[]> ");
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use mailreeve_api::registry::by_words;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_menu_offers_what_is_possible_now() {
        for (command, operations) in MENUS {
            by_words(command).unwrap();
            for operation in *operations {
                by_words(operation.command).unwrap();
            }
        }
        let names = |reply| menu("workqueue", &reply).iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(names(json!({ "paused_by": null })), ["STATUS", "PAUSE", "RATE"]);
        assert_eq!(names(json!({ "paused_by": "ann" })), ["STATUS", "RESUME", "RATE"]);
        assert!(menu("status", &json!({})).is_empty());
        assert_eq!(
            text(&menu("workqueue", &json!({}))),
            "\nChoose the operation you want to perform:\n- STATUS - Display work queue status\n\
             - PAUSE - Pause the work queue\n- RATE - Display work queue statistics over time\n[]> "
        );
    }
}
