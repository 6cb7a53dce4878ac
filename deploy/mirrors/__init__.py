"""Mirrors of the ledger: where people and pipelines can read which release is known-good, beside the marks on the platform."""
