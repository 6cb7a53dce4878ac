"""A real Prometheus, and what stands before one and misbehaves."""
