//! The one table of words for enhanced status codes (RFC 3463 and its registry), for logs and reports.

/// Returns what the subject and detail of a status code mean. The class is no part of it: `4.3.1` and
/// `5.3.1` are both a full mail system, one for now and one for good.
pub const fn phrase(status: (u8, u16, u16)) -> &'static str {
    match (status.1, status.2) {
        (1, detail) => address(detail),
        (2, detail) => mailbox(detail),
        (3, detail) => system(detail),
        (4, detail) => network(detail),
        (5, detail) => protocol(detail),
        (6, detail) => content(detail),
        (7, detail) => policy(detail),
        _ => "Other undefined status",
    }
}

const fn address(detail: u16) -> &'static str {
    match detail {
        1 => "Bad destination email address",
        2 => "Bad destination host",
        3 => "Bad destination email address syntax",
        4 => "Destination email address ambiguous",
        5 => "Destination email address valid",
        6 => "Destination mailbox has moved",
        7 => "Bad sender's email address syntax",
        8 => "Bad sender's host",
        9 => "Message relayed to non-compliant mailer",
        10 => "Recipient address has null MX",
        _ => "Unknown address error",
    }
}

const fn mailbox(detail: u16) -> &'static str {
    match detail {
        1 => "Mailbox disabled",
        2 => "Mailbox full",
        3 => "Message length exceeds administrative limit",
        4 => "Mailing list expansion problem",
        _ => "Unknown mailbox error",
    }
}

const fn system(detail: u16) -> &'static str {
    match detail {
        1 => "Mail system full",
        2 => "System not accepting messages",
        3 => "System not capable of selected features",
        4 => "Message too big for system",
        5 => "System incorrectly configured",
        6 => "Requested priority was changed",
        _ => "Other mail system problem",
    }
}

const fn network(detail: u16) -> &'static str {
    match detail {
        1 => "No answer from host",
        2 => "Bad connection",
        3 => "Directory server failure",
        4 => "Unable to route",
        5 => "Mail system congestion",
        6 => "Routing loop detected",
        7 => "Delivery expired (message too old)",
        _ => "Other network problem",
    }
}

const fn protocol(detail: u16) -> &'static str {
    match detail {
        1 => "Invalid command",
        2 => "Syntax error",
        3 => "Too many recipients",
        4 => "Invalid command arguments",
        5 => "Wrong protocol version",
        6 => "Authentication exchange line is too long",
        _ => "Other protocol problem",
    }
}

const fn content(detail: u16) -> &'static str {
    match detail {
        1 => "Media not supported",
        2 => "Conversion required and prohibited",
        3 => "Conversion required but not supported",
        4 => "Conversion with loss performed",
        5 => "Conversion failed",
        6 => "Message content not available",
        7 => "Non-ASCII address not permitted",
        8 => "UTF-8 reply required but not permitted",
        9 => "UTF-8 header cannot be transferred",
        _ => "Other content problem",
    }
}

const fn policy(detail: u16) -> &'static str {
    match detail {
        1 => "Delivery not authorized",
        2 => "Mailing list expansion prohibited",
        3 => "Security conversion required but not possible",
        4 => "Security features not supported",
        5 => "Cryptographic failure",
        6 => "Cryptographic algorithm not supported",
        7 => "Message integrity failure",
        8 => "Authentication credentials invalid",
        9 => "Authentication mechanism is too weak",
        10 => "Encryption needed",
        11 => "Encryption required for authentication mechanism",
        13 => "User account disabled",
        14 => "Trust relationship required",
        20 => "No passing DKIM signature found",
        21 => "No acceptable DKIM signature found",
        22 => "No valid author-matched DKIM signature found",
        23 => "SPF validation failed",
        24 => "SPF validation error",
        25 => "Reverse DNS validation failed",
        26 => "Multiple authentication checks failed",
        27 => "Sender address has null MX",
        _ => "Other security problem",
    }
}
