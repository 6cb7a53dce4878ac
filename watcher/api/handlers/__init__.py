"""What each route does: read, ask the core or the store, and show it."""
