"""Building, running and reloading the daemon, with real files, sockets and processes."""
