"""Writes docs/reference/ from the code: commands, HTTP, states, settings, rule files, metrics, log events, errors.

``python -m tests.reference`` writes the pages; `tests/test_reference.py` compares them. What a thing is called, which there are
and their defaults are found in the code; what they mean stands there too where a docstring says it, and else here.
"""
