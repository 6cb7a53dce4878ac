"""Tells people: a registry, and one module for each way to tell them."""
