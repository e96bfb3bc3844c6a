//! Why a connection or a handshake failed, in words for operators: no debug output of a library, no number of the
//! system's error. What is wrong with a certificate is told in words of its own (`core/certificate.rs`).

use std::io;

use rustls::{AlertDescription, Error};

/// Says why a handshake failed.
pub fn of_handshake(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_tls(error),
        None => of_system(error),
    }
}

/// Says what the system said, without its number of the error.
pub fn of_system(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// Says why TLS came to nothing.
fn of_tls(error: &Error) -> String {
    match error {
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the other end found nothing in common (handshake failure)".to_owned()
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the other end speaks no version of TLS that is spoken here".to_owned()
        }
        Error::AlertReceived(alert) => format!("the other end ended the handshake ({alert:?})"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn nothing_of_the_library_is_left() {
        let error = Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(
            of_handshake(&io::Error::other(error)),
            "the other end found nothing in common (handshake failure)"
        );
        assert_eq!(of_system(&io::Error::from_raw_os_error(111)), "Connection refused");
        assert_eq!(of_handshake(&io::Error::other("anything")), "anything");
    }
}
