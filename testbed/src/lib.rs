//! Real brokers, scenes, the ledger and its verdicts.
