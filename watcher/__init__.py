"""Conducts: reads signals, asks the rules, follows one table of states, and tells deploy and people what to do."""
