"""Slack, hearing: what people click. By HTTP with the signature checked, or by Socket Mode. It never speaks but to answer.

An order from Slack goes through the handlers of the API, as any other; what is asked here is only who clicked what, where,
and whether what they saw is still so.
"""
