"""What the store does, as SQL: operations are generators that yield statements and are given rows. No connection in sight.

The same operations are meant for SQLite and PostgreSQL. What differs is left to whoever plays them: how a parameter is
written (``:name``), what the clock of leases says (``:clock``), and how two writers are kept apart: SQLite has one writer
at a time (``BEGIN IMMEDIATE``); elsewhere whoever plays takes the lock of the switch first.
"""
