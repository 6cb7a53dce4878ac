"""The commands of ``rollbackd``: one module each, found by its name, imported when it is called."""
