//! mailreeve-core.
