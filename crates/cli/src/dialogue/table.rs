//! The dialogues that operators know, command by command. Every way through one ends in words that the command
//! understands (`dialogue/tests.rs`).

use super::{Choice, Step};

const SECONDS: Step =
    line("Enter the number of seconds to wait before abruptly closing connections.\n", "30");
const LINES: Step = line("Enter the number of seconds between displays.\n", "10");
const HOST: Step = destination("Recipient host:\n");
const LISTENERS: Step = Step::Listeners("Choose the listeners, several separated by commas.\n");

/// Commands with their questions.
const DIALOGUES: &[(&str, &[Step])] = &[
    ("rate", &[LINES]),
    ("hostrate", &[HOST, LINES]),
    ("workqueue rate", &[LINES]),
    (
        "tophosts",
        &[Step::Pick {
            lead: "Sort results by:\n\n",
            choices: &[
                word("Active Recipients", "active_rcpts"),
                word("Connections Out", "conn_out"),
                word("Delivered Recipients", "deliv_recip"),
                word("Hard Bounced Recipients", "hard_bounced"),
                word("Soft Bounced Events", "soft_bounced"),
            ],
        }],
    ),
    ("hoststatus", &[HOST]),
    (
        "delivernow",
        &[Step::Pick {
            lead: "Please choose an option for scheduling immediate delivery.\n",
            choices: &[
                Choice {
                    label: "By recipient host",
                    word: None,
                    then: &[destination("Please enter the domain to schedule for immediate delivery.\n")],
                },
                word("All messages", "all"),
                Choice {
                    label: "One message",
                    word: None,
                    then: &[needed("Please enter the MID of the message.\n")],
                },
            ],
        }],
    ),
    (
        "showrecipients",
        &[Step::Pick {
            lead: "Please select how you would like to show messages:\n",
            choices: &[
                by_host(&[destination("Please enter the hostname for the messages you wish to show.\n")]),
                by_sender(&[needed(
                    "Please enter the Envelope From address for the messages you wish to show.\n",
                )]),
                word("All.", "all"),
            ],
        }],
    ),
    (
        "deleterecipients",
        &[Step::Pick {
            lead: "Please select how you would like to delete messages:\n",
            choices: &[
                by_host(&[destination("Please enter the hostname for the messages you wish to delete.\n")]),
                by_sender(&[needed(
                    "Please enter the Envelope From address for the messages you wish to delete.\n",
                )]),
                word("All.", "all"),
            ],
        }],
    ),
    (
        "bouncerecipients",
        &[Step::Pick {
            lead: "Please select how you would like to bounce messages:\n",
            choices: &[
                by_host(&[destination("Please enter the hostname for the messages you wish to bounce.\n")]),
                by_sender(&[needed(
                    "Please enter the Envelope From address for the messages you wish to bounce.\n",
                )]),
                word("All.", "all"),
            ],
        }],
    ),
    (
        "redirectrecipients",
        &[Step::Pick {
            lead: "Please select which messages you would like to redirect:\n",
            choices: &[by_host(&[
                destination("Please enter the hostname whose messages are to go elsewhere.\n"),
                needed("Please enter the hostname, or the address in brackets, that is to get them.\n"),
            ])],
        }],
    ),
    ("showmessage", &[needed("Enter the MID to show.\n")]),
    ("removemessage", &[needed("Enter the MID to remove.\n")]),
    ("archivemessage", &[line("Enter the MID to archive and remove.\n", "0")]),
    ("job", &[needed("Enter the number of the job; `jobs` lists them.\n")]),
    ("suspend", &[SECONDS]),
    ("suspendlistener", &[LISTENERS, SECONDS]),
    ("resumelistener", &[LISTENERS]),
    (
        "suspenddel",
        &[
            domains("Enter one or more domains [comma-separated] to which you want to suspend delivery.\n"),
            SECONDS,
        ],
    ),
    (
        "resumedel",
        &[domains("Enter one or more domains [comma-separated] to which you want to resume delivery.\n")],
    ),
    (
        "workqueue pause",
        &[
            Step::Agree("Manually pause work queue? This will only affect unprocessed messages. [N]> "),
            line("Reason for pausing work queue:\n", ""),
        ],
    ),
    ("dig", &[needed("Enter the type and the name to ask for, for example: mx example.com\n")]),
    (
        "nslookup",
        &[
            needed("Please enter the host or IP address to resolve.\n"),
            Step::Pick {
                lead: "Choose the query type:\n",
                choices: &[
                    word("A       the host's IP address", "A"),
                    word("AAAA    the host's IPv6 address", "AAAA"),
                    word("CNAME   the canonical name for an alias", "CNAME"),
                    word("MX      the mail exchanger", "MX"),
                    word("NS      the name server for the named zone", "NS"),
                    word("PTR     the hostname of an IP address", "PTR"),
                    word("SOA     the domain's \"start-of-authority\" information", "SOA"),
                    word("TXT     the text information", "TXT"),
                ],
            },
        ],
    ),
    (
        "telnet",
        &[needed("Enter the remote hostname or IP address.\n"), line("Enter the remote port.\n", "25")],
    ),
    ("ping", &[needed("Enter the host to ping.\n")]),
    ("ping6", &[needed("Enter the host to ping.\n")]),
    ("traceroute", &[needed("Enter the host to trace the way to.\n")]),
    ("traceroute6", &[needed("Enter the host to trace the way to.\n")]),
    ("probe", &[destination("Enter the destination to probe.\n")]),
    ("tlsverify", &[destination("Enter the TLS domain to verify against:\n")]),
    (
        "netstat",
        &[Step::Pick {
            lead: "Choose the information you want to display:\n",
            choices: &[
                word("Active sockets.", "active"),
                word("Listening sockets and their queues.", "listen"),
            ],
        }],
    ),
];

/// The questions of a command that has some of its own.
pub(super) fn steps(words: &str) -> Option<&'static [Step]> {
    DIALOGUES.iter().find(|(command, _)| *command == words).map(|(_, steps)| *steps)
}

/// Commands that have questions of their own.
#[cfg(test)]
pub(super) fn commands() -> impl Iterator<Item = &'static str> {
    DIALOGUES.iter().map(|(command, _)| *command)
}

const fn line(lead: &'static str, default: &'static str) -> Step {
    Step::Line { lead, default: Some(default), destination: false }
}

const fn domains(lead: &'static str) -> Step {
    Step::Line { lead, default: Some("ALL"), destination: true }
}

const fn needed(lead: &'static str) -> Step {
    Step::Line { lead, default: None, destination: false }
}

const fn destination(lead: &'static str) -> Step {
    Step::Line { lead, default: None, destination: true }
}

const fn word(label: &'static str, word: &'static str) -> Choice {
    Choice { label, word: Some(word), then: &[] }
}

const fn by_host(then: &'static [Step]) -> Choice {
    Choice { label: "By recipient host.", word: Some("host"), then }
}

const fn by_sender(then: &'static [Step]) -> Choice {
    Choice { label: "By Envelope From address.", word: Some("from"), then }
}
