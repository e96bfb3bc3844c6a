//! mailreeve-cli.
