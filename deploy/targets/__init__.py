"""The systems that a tag is put back on: a registry, and one module each."""
