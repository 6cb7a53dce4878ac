"""Elastic Load Balancing: rules and listeners that forward to target groups, their targets, and who is bound to them.

state    what there is     service  the hands of others, and who comes     answering  the operations
routing  to which target a request comes, and whether it may end there
"""
