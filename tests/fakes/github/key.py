"""The key of an app, as GitHub gives it; drawn once, for it takes its time."""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from deploy.github import App
from tests.fakes.github.rest import APP


@cache
def drawn(bits: int = 2048) -> tuple[str, str]:
    """Private and public, as PEM. GitHub's has 2048 *bits*; one of half of them is read seven times as fast."""
    key = rsa.generate_private_key(65537, bits)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def an_app() -> App:
    """The one that the small GitHub knows."""
    return App(id=int(APP), installation=5, private_key=SecretStr(drawn()[0]))
