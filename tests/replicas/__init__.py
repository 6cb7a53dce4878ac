"""Three whole daemons as processes on one PostgreSQL, with their real terms, and what may befall them.

The world outside (`town`) survives them, and writes down every call with its time and who made it. Each replica reaches the
database by a link of its own (`link`), which can be cut, and which can stop or kill it between two statements.
"""
