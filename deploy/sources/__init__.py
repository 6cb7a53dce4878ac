"""The systems that deployment events come from: a registry, and one module each."""
