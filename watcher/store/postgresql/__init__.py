"""The store in PostgreSQL, for several replicas: the operations of ``watcher.store.sql``, played on pooled connections."""
