//! Every sentence in English. `{name}` is an argument.

/// Keys with their words.
pub(super) const WORDS: &[(&str, &str)] = &[
    ("track.opened", "The peer {peer} connected to listener {listener} at {local} (ICID {icid})."),
    ("track.greeted", "The banner was sent after {waited}."),
    ("track.judged", "The peer {peer} ({name}) may {action}: group {group}, rule {rule}."),
    ("track.tls-in", "The peer's connection was secured: {protocol}, {cipher}."),
    ("track.tls-in-failed", "TLS on the peer's connection failed: {why}."),
    ("track.bad-command", "The peer said something that is no command: {text}."),
    ("track.sender-refused", "The sender <{sender}> was refused: {reply}."),
    ("track.closed", "The peer's connection ended after {lasted}: {why}. It brought {messages} messages."),
    ("track.started", "Message {mid} from <{sender}> was begun over ICID {icid}."),
    ("track.recipient", "Recipient {rid}, <{address}>, was accepted."),
    ("track.recipient-refused", "Recipient <{address}> was refused ({rule}): {reply}."),
    ("track.aborted", "Message {mid} was not accepted: {why}."),
    ("track.accepted", "Message {mid} was accepted: {size} octets, recipients: {recipients}."),
    (
        "track.generated",
        "Message {mid} was made by the gateway: {kind} of message {parent}, to {recipients}.",
    ),
    ("track.queued", "Message {mid} was queued for delivery to {destinations}."),
    ("track.hop", "A connection to {name} at {peer} for {host} was opened from {local} (DCID {dcid})."),
    ("track.tls-out", "The connection DCID {dcid} was secured: {protocol}, {cipher}."),
    ("track.tls-out-failed", "TLS on the connection DCID {dcid} failed: {why}."),
    ("track.delivery", "Delivery to recipients {rids} was begun over DCID {dcid}."),
    ("track.delivered", "Recipients {rids} were delivered to {host} over DCID {dcid}: {reply}."),
    (
        "track.deferred",
        "Recipient {rid} could not be delivered to {host} for now ({cause}): {reply}. That was attempt \
         {attempt}; the next one is due at {next}.",
    ),
    ("track.bounced", "Recipient {rid} failed for good at {host} ({cause}): {reply}. The sender is told."),
    (
        "track.bounced-untold",
        "Recipient {rid} failed for good at {host} ({cause}): {reply}. The sender is not told: {why}.",
    ),
    ("track.deleted", "Recipient {rid} for {host} was removed by {by}."),
    ("track.archived", "Recipient {rid} for {host} was taken out into the archive by {by}."),
    ("track.redirected", "Recipient {rid} was sent to {to} instead of {from} by {by}."),
    ("track.apart", "The stored record of message {mid} was found damaged and set apart: {detail}."),
    ("track.finished", "Message {mid} is finished: its last recipient has ended."),
    ("track.restarted", "The gateway was started again; what was still coming in came to nothing."),
];
