"""The life of one watch, pure: no I/O, no clock, no logging."""
