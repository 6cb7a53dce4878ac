"""The judges, one module each: prepare, start, advance, verdict."""
