"""Verdicts in parameters of Systems Manager: whoever can read AWS can wait for one, and needs no way in to the daemon."""
