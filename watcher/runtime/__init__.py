"""The loops: daemon, listener, patrol, performer, janitor."""
