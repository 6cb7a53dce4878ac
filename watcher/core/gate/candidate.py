"""What is to be deployed, before it is: by which names it is known, and which release in a ledger it is.

Until it is out nobody knows its fingerprint: that has the settings of its environment in it. What stays the same from one
environment to the next is its *content*: the digest of its image, the hash of its code, its bundle's eTag. So promotion goes
by content; where a pipeline names none, by the names that it gives, and what those may mean is taken at its worst.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deploy.model import Release
from deploy.tags import Entry, Ledger, Mark

# Under which names targets tell what a release is made of, whatever it is set to do: ECS's image, Lambda's code, a bundle.
CONTENT = ("digest", "code", "etag")
COMMIT = "commit"  # a git commit, in full
# Names that many releases of one service share.
_SHARED = frozenset({"family", "repository", "bucket", "function", "target_group"})
_HEX = re.compile(r"[0-9a-f]{7,40}")  # as short as git itself makes them
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_LONGEST_KEY = 500  # characters; an index of PostgreSQL takes rows of 2,700 bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """One release that asks to pass.

    Attributes:
        tag: What its registry, or its pipeline, calls it.
        fingerprint: Its content, or its fingerprint where the pipeline knows it.
        names: By system, as in `Release`: ``digest``, ``version``, ``commit``.
    """

    tag: str | None = None
    fingerprint: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """For people: what it is called."""
        named = [self.names[each] for each in ("version", COMMIT, *CONTENT) if each in self.names]
        called = [self.tag, *named, self.fingerprint, *self.names.values()]
        return next((name for name in called if name), "?")

    @property
    def contents(self) -> frozenset[str]:
        """What it is made of, as far as that is known."""
        told = {_plain(self.names[each]) for each in CONTENT if each in self.names}
        return frozenset(told | ({_plain(self.fingerprint)} if self.fingerprint else set()))

    @property
    def key(self) -> str:
        """By which one asking is told from another; short, for it stands in an index."""
        names = " ".join(f"{system}={name}" for system, name in sorted(self.names.items()))
        key = f"{self.tag or ''} {self.fingerprint or ''} {names}"
        return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def contents(release: Release) -> frozenset[str]:
    """What a release is made of, by all its names."""
    told = {_plain(release.names[each]) for each in CONTENT if each in release.names}
    return frozenset(told | (set() if release.is_only_a_tag else {_plain(release.fingerprint)}))


def may_be(candidate: Candidate, release: Release) -> bool:
    """*release* may be what is to be deployed: any of its names fits, and its content is not known to be another.

    What a pipeline calls a fingerprint may be anything, so that it fits nothing proves nothing.
    """
    if candidate.contents & contents(release):
        return True
    return _agreeing(candidate, release) and not any(
        each in release.names and _plain(release.names[each]) != _plain(name)
        for each, name in candidate.names.items()
        if each in CONTENT
    )


def is_same(candidate: Candidate, release: Release) -> bool:
    """*release* is what is to be deployed: by its content; or by names that fit, where none contradicts."""
    mine, its = candidate.contents, contents(release)
    if mine & its:
        return True
    if mine and its:
        return False
    return _agreeing(candidate, release) and not _contradicting(candidate, release)


def entries(
    candidate: Candidate, ledgers: Iterable[Ledger], known: Collection[Release] | None = None
) -> list[tuple[Ledger, Entry]]:
    """Those of each part that *candidate* may be; of a part of which it names one by its very fingerprint, that one alone.

    Args:
        candidate: What is to be deployed.
        ledgers: Of the parts.
        known: All releases that are known anywhere. A content that none of them has takes back no name: of an image for
            several platforms a registry tells another digest than the platform that runs it. Without it, it does.
    """
    return [(ledger, entry) for ledger in ledgers for entry in _of_part(candidate, ledger, known)]


def _of_part(candidate: Candidate, ledger: Ledger, known: Collection[Release] | None) -> Sequence[Entry]:
    exact = [each for each in ledger.entries if each.release.fingerprint == candidate.fingerprint]
    by_name = known is not None and not any(candidate.contents & contents(release) for release in known)
    return exact or [
        each
        for each in ledger.entries
        if may_be(candidate, each.release)
        or (by_name and _agreeing(candidate, each.release) and not _moves(candidate, each.release, ledger))
    ]


def _moves(candidate: Candidate, release: Release, ledger: Ledger) -> bool:
    """By which names they agree goes another content too, as ``latest`` does: it says nothing of what is meant."""
    return any(
        _agreeing(candidate, each.release) and not contents(each.release) & contents(release)
        for each in ledger.entries
        if each.release != release
    )


@dataclass(frozen=True, slots=True)
class Marked:
    """A release that is not to come back: *word* says what it is, *mark* since when and why."""

    release: Release
    word: str
    mark: Mark


def marked(candidate: Candidate, ledgers: Iterable[Ledger], known: Collection[Release]) -> Sequence[Marked]:
    """Those that are not to come back and *candidate* may be. See `entries`."""
    return [
        Marked(entry.release, word, mark)
        for _, entry in entries(candidate, ledgers, known)
        for word, mark in (("quarantined", entry.quarantined), ("distrusted", entry.distrusted))
        if mark is not None
    ]


def known_as(candidate: Candidate, releases: Iterable[Release]) -> Candidate:
    """*candidate* with the content of the releases that it is, where they are all of one."""
    named = {
        tuple((each, release.names[each]) for each in CONTENT if each in release.names)
        for release in releases
        if is_same(candidate, release)
    }
    if len(named) != 1:
        return candidate
    return replace(candidate, names={**dict(*named), **candidate.names})


def is_one(asked: Candidate, before: Candidate) -> bool:
    """Both are one release beyond doubt: by content, or by all their names where neither tells any."""
    if asked.contents or before.contents:
        return bool(asked.contents & before.contents)
    return asked.key == before.key


def may_be_one(asked: Candidate, before: Candidate) -> bool:
    """Both may be one release."""
    if asked.contents and before.contents:
        return bool(asked.contents & before.contents)
    return bool(_called(asked) & _called(before))


def _agreeing(candidate: Candidate, release: Release) -> bool:
    its = {*_own(release).values(), release.tag, release.fingerprint}
    if candidate.tag in its or any(_own(release).get(each) == name for each, name in candidate.names.items()):
        return True
    commit = candidate.names.get(COMMIT)
    return commit is not None and any(_is_commit(commit, name) for name in its)


def _contradicting(candidate: Candidate, release: Release) -> bool:
    """A system calls it otherwise. What is only a pipeline's word for it may be another system's name."""
    own = _own(release)
    return any(
        each in own and own[each] != name and not (each == COMMIT and _is_commit(name, own[each]))
        for each, name in candidate.names.items()
    )


def _is_commit(commit: str, name: str) -> bool:
    """*name* is the commit, or its beginning; images are called after it, in full or short, often behind a word."""
    last, commit = re.split(r"[-_.:/@]", name)[-1].lower(), commit.lower()
    both = _HEX.fullmatch(last) and _HEX.fullmatch(commit)
    return bool(both) and (commit.startswith(last) or last.startswith(commit))


def _own(release: Release) -> Mapping[str, str]:
    return {each: name for each, name in release.names.items() if each not in _SHARED}


def _called(candidate: Candidate) -> frozenset[str]:
    return frozenset({*candidate.names.values(), *filter(None, (candidate.tag, candidate.fingerprint))})


def _plain(name: str) -> str:
    """As targets keep it: a hash in base64 without its padding, a digest without the repository before it, in small letters."""
    last = name.rpartition("@")[2].rstrip("=")
    found = _HASH.fullmatch(last.lower())
    return f"sha256:{found[1]}" if found else last
