"""Tests of the API: real HTTP, against the real store."""
