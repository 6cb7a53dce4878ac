"""Values as YAML on one line, for files that are made up."""


def as_yaml(value: object) -> str:
    """*value* on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {as_yaml(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_yaml, value)) + "]"
        case str():
            return f'"{value}"'
        case None | bool():
            return str(value).lower().replace("none", "~")
        case _:
            return repr(value)
