"""How the fake says no: as AWS would, or because the fake itself is wrong."""


class AwsError(Exception):
    """AWS refuses.

    Attributes:
        code: As the client sees it in ``error.response["Error"]["Code"]``.
        status: Of HTTP: 4xx the caller's fault, 5xx AWS's.
    """

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class FakeBug(Exception):
    """The fake is wrong, or was asked for what it does not do. Never to be taken for an answer of AWS."""
