//! What survives a crash: the spool and the ledger.
