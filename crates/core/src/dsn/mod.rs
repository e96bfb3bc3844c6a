//! Delivery status reports (RFC 3464): facts in, message octets out.
