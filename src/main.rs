//! Mailreeve.
fn main() {}
