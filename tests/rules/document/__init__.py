"""Tests of rules.document."""
