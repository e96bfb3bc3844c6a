//! mailreeve-api.
