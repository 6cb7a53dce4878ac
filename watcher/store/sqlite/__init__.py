"""SQLite, in a file or in memory: one writer, one reader, each with a thread of its own; one transaction an operation.

For one process: a lock keeps a second one out, and a file system that cannot share memory is refused.
"""
