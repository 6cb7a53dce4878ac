"""Decides: turns samples into verdicts, and touches nothing."""
