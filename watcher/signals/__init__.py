"""Reads: the signal providers, a registry and one module each."""
