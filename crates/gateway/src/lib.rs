//! mailreeve-gateway.
