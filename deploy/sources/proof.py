"""Who has sent it: a secret in a header, or a signature of the raw bytes. Pure; and as long for a wrong one as for a right one.

Of a header that came twice both values stand there, with a comma: which is neither.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from deploy.model import About, Finding, Level

SHORTEST = 32  # characters of a secret: half of what `openssl rand -hex 32` prints
LEAST = 10  # different ones; `openssl rand -hex 32` has all sixteen but once in a million times
AUTHORIZATION = "authorization"
_SHORT = "a secret that is too short: use at least 32 characters (`openssl rand -hex 32`)"

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]


class Strictly(BaseModel):
    """What stands in a configuration: nothing else may."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class Secrets(Strictly):
    """A secret that both sides know.

    Attributes:
        secret: As it is set at the sender.
        previous_secret: While it is replaced, the one before.
    """

    secret: SecretStr
    previous_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if any(len(each) < SHORTEST for each in self.secrets):
            raise ValueError(_SHORT)
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that are good now."""
        both = (self.secret, self.previous_secret)
        return tuple(each.get_secret_value() for each in both if each is not None)


class Authorization(Secrets):
    """A secret in ``Authorization``.

    Attributes:
        user: With it the secret is a password (basic authentication); without it a bearer's token.
    """

    user: Annotated[str, Field(pattern=r"^[!-9;-~]{1,128}\Z")] | None = None  # a colon begins the password

    def admits(self, headers: Mapping[str, str]) -> bool:
        """The header carries it."""
        return authorizes(self.secrets, self.user, headers)


class InHeader(Secrets):
    """A secret in a header of its own, for who signs nothing and whose users may set headers.

    Attributes:
        header: In which the secret stands; as it is set at the sender, among its custom headers.
    """

    header: HeaderName = "X-Rollbackd-Token"

    def admits(self, headers: Mapping[str, str]) -> bool:
        """The header carries it."""
        return bears(self.secrets, headers.get(self.header.lower(), ""))


def bears(secrets: Iterable[str], given: str) -> bool:
    """*given* is one of *secrets*. An empty secret is nobody's.

    All of them are compared, always, by their digests: the time tells neither which one nor how long it is.
    """
    found = _digest(given)
    tried = [bool(secret) and hmac.compare_digest(found, _digest(secret)) for secret in secrets]
    return any(tried)


def authorizes(secrets: Sequence[str], user: str | None, headers: Mapping[str, str]) -> bool:
    """``Authorization`` carries one of *secrets*: as a bearer's, or as the password of *user* where there is one."""
    scheme, _, given = headers.get(AUTHORIZATION, "").partition(" ")
    wanted = "bearer" if user is None else "basic"
    expected = secrets if user is None else [_basic(user, secret) for secret in secrets if secret]
    return bears(expected, given) and scheme.lower() == wanted


def signs(secrets: Iterable[str], given: str, signed: bytes) -> bool:
    """*given* is the HMAC-SHA256 of *signed* by one of *secrets*, in lower-case hex, without any prefix."""
    return bears([_mac(secret, signed) for secret in secrets if secret], given)


def examined(settings: Secrets) -> Sequence[Finding]:
    """Is a secret easy to guess, and is the one before still good? For ``rollbackd doctor``."""
    found = [
        Finding(
            Level.WARN,
            f"a secret of {len(set(each))} different characters is easy to guess",
            "make another: `openssl rand -hex 32`",
            about=About.SECRET,
        )
        for each in settings.secrets
        if len(set(each)) < LEAST
    ]
    if settings.previous_secret is not None:
        remedy = "take it out once the sender uses the new one"
        found.append(Finding(Level.WARN, "`previous_secret` is good too", remedy, about=About.SECRET))
    return found or [
        Finding(Level.OK, f"a secret of {len(settings.secrets[0])} characters", about=About.SECRET)
    ]


def _mac(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _digest(text: str) -> bytes:
    # `surrogatepass`: bytes of a header that are no UTF-8 are surrogates, and must not raise.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
