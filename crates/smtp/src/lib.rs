//! mailreeve-smtp.
