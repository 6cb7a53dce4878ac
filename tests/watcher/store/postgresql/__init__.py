"""The store in PostgreSQL, on real servers."""
