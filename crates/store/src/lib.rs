//! mailreeve-store.
