"""The play: starts the world, the daemon and the users, and does to them what the acts say."""
