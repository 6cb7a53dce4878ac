"""Emulators of AWS that others wrote, for as much of it as they have of what a target calls."""
