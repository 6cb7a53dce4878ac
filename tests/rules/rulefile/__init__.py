"""Tests of rules.rulefile."""
