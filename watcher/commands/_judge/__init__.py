"""The benchmark's protocol, as ``rollbackd judge`` hears it."""
