"""Whether each service could be put back now: what `doctor` looks at, of one question alone, a row a service."""
