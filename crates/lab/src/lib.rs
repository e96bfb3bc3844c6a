//! mailreeve-lab.
