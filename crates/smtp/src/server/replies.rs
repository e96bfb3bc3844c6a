//! Every reply the session gives in its own words. None repeats what the peer sent.
//!
//! Each constant is a reply line as it goes over the wire; a test holds them to that form.

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident = $line:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = concat!($line, "\r\n");)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

replies! {
    RESET = "250 2.0.0 Ok, nothing is open now";
    NOOP = "250 2.0.0 Ok";
    QUIT = "221 2.0.0 Goodbye";
    VRFY = "252 2.1.5 Addresses are not verified here, send the message and see";
    HELP = "214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS, see RFC 5321";
    SENDER_OK = "250 2.1.0 Sender ok";
    RECIPIENT_OK = "250 2.1.5 Recipient ok";
    MESSAGE_OK = "250 2.0.0 Message accepted";
    DATA_GO = "354 Send the message, end it with <CR><LF>.<CR><LF>";
    TLS_GO = "220 2.0.0 Start the TLS handshake";

    /// RFC 5321 4.5.3.1.9.
    LINE_TOO_LONG = "500 5.5.2 The command line is too long";
    LINE_CONTROLS = "500 5.5.2 The command contains a control character";
    LINE_ENCODING = "500 5.5.2 The command is not UTF-8";
    UNKNOWN = "500 5.5.1 Unknown command";
    NOT_IMPLEMENTED = "502 5.5.1 This command is not offered here";
    NO_ARGUMENT_TAKEN = "501 5.5.4 This command takes no argument";
    HELLO_SYNTAX = "501 5.5.4 Say: EHLO your.host.name";
    VRFY_SYNTAX = "501 5.5.4 Say: VRFY address";
    MAIL_SYNTAX = "501 5.5.4 Say: MAIL FROM:<address>";
    RCPT_SYNTAX = "501 5.5.4 Say: RCPT TO:<address>";
    BDAT_SYNTAX = "501 5.5.4 Say: BDAT octets, or: BDAT octets LAST";
    NULL_RECIPIENT = "501 5.1.3 A recipient cannot be empty";

    HELLO_FIRST = "503 5.5.1 Say EHLO first";
    MAIL_FIRST = "503 5.5.1 Say MAIL first";
    RCPT_FIRST = "503 5.5.1 Say RCPT first";
    MAIL_OPEN = "503 5.5.1 A message is begun already, finish it or say RSET";
    CHUNKS_OPEN = "503 5.5.1 The content has begun with BDAT and goes on with BDAT";
    TLS_ALREADY = "503 5.5.1 TLS is in use already";
    REFUSED_SESSION = "503 5.5.1 This session is refused, say QUIT";
    NO_RECIPIENTS = "554 5.5.1 No valid recipients";

    PARAM_NOT_OFFERED = "555 5.5.4 A parameter after the address is not supported";
    UTF8_ADDRESS = "553 5.6.7 An address outside ASCII needs SMTPUTF8, given with MAIL";
    SIZE_DECLARED = "552 5.3.4 The message is larger than this server takes";
    TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients, send the rest in another message";

    TOO_BIG = "552 5.3.4 The message is larger than this server takes";
    HEADER_TOO_LONG = "552 5.3.4 The header of the message is too large";
    CONTENT_LINE_TOO_LONG = "554 5.6.0 A line of the message is too long";
    TOO_MANY_HOPS = "554 5.4.6 Too many hops, the message is in a loop";
    NUL = "554 5.6.0 The message contains a NUL octet";
    LINE_ENDS = "521 5.5.2 Lines must end with <CR><LF>, a bare <CR> or <LF> is refused";

    WRONG_PROTOCOL = "502 5.7.0 This is a mail server, it does not speak HTTP";
    TOO_MANY_ERRORS = "421 4.7.0 Too many errors, goodbye";
    TOO_MANY_COMMANDS = "421 4.7.0 Too many commands without a message, goodbye";
    TOO_MANY_MESSAGES = "421 4.7.0 Too many messages in one connection, go on in another";
    TIMEOUT = "421 4.4.2 Timeout, goodbye";
    TOO_SLOW = "421 4.4.2 The message comes in too slowly, goodbye";
    SESSION_TIME = "421 4.4.2 The connection lasts too long, go on in another";
    DECISION_TIME = "421 4.3.0 A check took too long, try again later";
    STOPPING = "421 4.3.2 The service stops, try again later";
    SUSPENDED = "421 4.3.2 Receiving is suspended here at present, try again later";
    OVERLOADED = "421 4.3.1 The service is out of resources, try again later";
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_is_one_well_formed_line() {
        for (name, line) in ALL {
            let text = line.strip_suffix("\r\n").unwrap();
            assert!(line.len() <= crate::reply::LINE_OCTETS, "{name} is too long");
            assert!(text.bytes().all(|b| (b' '..=b'~').contains(&b)), "{name} leaves printable ASCII");
            let (code, rest) = text.split_once(' ').unwrap();
            assert!(code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()), "{name} has no code");
            if code == "354" {
                continue;
            }
            let (enhanced, words) = rest.split_once(' ').unwrap();
            let parts: Vec<&str> = enhanced.split('.').collect();
            assert!(parts.len() == 3 && parts.iter().all(|p| p.parse::<u16>().is_ok()), "{name}: {enhanced}");
            assert_eq!(parts[0], &code[..1], "{name}: the two codes disagree on the class");
            assert!(!words.is_empty(), "{name} says nothing");
        }
    }
}
