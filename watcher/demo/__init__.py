"""A small world to try the daemon in."""
