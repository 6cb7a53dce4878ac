"""The small platform's own command: what the daemon calls as ``live`` and ``move``, and a pipeline or a person as ``deploy``.

    live                                what runs, as JSON: the daemon reads this
    move TAG --expect TAG --key KEY     TAG everywhere; taken once a key, refused if another release should run
    deploy TAG [--canaries N]           TAG on N instances, beside the one that serves
    promote TAG                         TAG everywhere, as a pipeline does it
    publish TAG [--failing P] [--slow P] [--dead]      add a release to the registry
    break [TAG] [--failing P] [--slow P] [--dead]      something goes wrong: with all releases, or with TAG
    heal                                nothing is wrong besides the releases
    show                                what runs, for people

It changes what *should* run and returns; the world notices and replaces one instance after the other.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from watcher.clock import now
from watcher.demo.world.behaviour import NOTHING, USUAL, Behaviour
from watcher.demo.world.files import Desired, Files, Weather

REFUSED = 1


def live(files: Files) -> dict[str, object]:
    """What runs, in the form that the target ``command`` reads."""
    desired, running = files.desired(), files.running()
    tags = Counter(slot.tag for slot in running.slots)
    most = tags.most_common(1)[0][0] if tags else desired.tag
    coming = desired.coming or (
        desired.tag if any(s.tag != desired.tag or not s.serving for s in running.slots) else None
    )
    said: dict[str, object] = {
        "tag": most,
        "fingerprint": files.fingerprint(most),
        "names": {"version": most},
        "shares": running.shares(),
    }
    if coming is not None:
        said["moving_to"] = {"tag": coming, "fingerprint": files.fingerprint(coming)}
    if desired.key is not None:
        said["key"] = desired.key
    return said


def move(files: Files, tag: str, expect: str, key: str) -> str | None:
    """Say that *tag* should run everywhere. Why it was refused; None where it was taken, now or before."""
    with files.lock():
        desired = files.desired()
        call: dict[str, object] = {"at": now().timestamp(), "move": tag, "expect": expect, "key": key}
        if desired.key == key:
            files.log(call | {"taken": False, "why": "this key was taken before"})
            return None
        if expect not in {desired.coming, desired.tag}:
            why = f"{desired.coming or desired.tag} should run, not {expect}"
            files.log(call | {"taken": False, "why": why})
            return why
        files.log(call | {"taken": True})
        files.want(Desired(tag, key=key))
    return None


def deploy(files: Files, tag: str, canaries: int) -> None:
    """Say that *tag* should run on *canaries* instances, beside what serves."""
    with files.lock():
        files.want(Desired(files.desired().tag, coming=tag, canaries=canaries))


def promote(files: Files, tag: str) -> None:
    """Say that *tag* should run everywhere."""
    with files.lock():
        files.want(Desired(tag))


def break_(files: Files, tag: str | None, worse: Behaviour) -> None:
    """Let something go wrong: with all releases, or with *tag* only."""
    weather = files.weather()
    files.turn(
        replace(weather, everywhere=worse)
        if tag is None
        else replace(weather, only=weather.only | {tag: worse})
    )


def heal(files: Files) -> None:
    """Nothing is wrong besides the releases."""
    files.turn(Weather())


def show(files: Files) -> str:
    """What runs, for people."""
    running, registry, weather = files.running(), files.registry(), files.weather()
    lines = [
        f"instance {number}  http://127.0.0.1:{slot.port}  {slot.tag}{'' if slot.serving else '  (out of service)'}"
        for number, slot in enumerate(running.slots)
    ]
    for tag in dict.fromkeys(slot.tag for slot in running.slots):
        now = weather.over(tag, registry.get(tag, USUAL))
        lines.append(f"{tag}: {'dead' if now.dead else f'{now.failing:.1%} fail, {now.slow:.1%} are slow'}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The command. Exit status 1 where it was refused."""
    said = _parser().parse_args(argv)
    files = Files(said.world)
    match said.what:
        case "live":
            sys.stdout.write(json.dumps(live(files)) + "\n")
        case "move":
            return _answer(move(files, said.tag, said.expect, said.key))
        case "deploy":
            deploy(files, said.tag, said.canaries)
        case "promote":
            promote(files, said.tag)
        case "publish":
            files.publish(said.tag, _behaviour(said, USUAL))
        case "break":
            break_(files, said.tag, _behaviour(said, NOTHING))
        case "heal":
            heal(files)
        case _:
            sys.stdout.write(show(files) + "\n")
    return 0


def _answer(why: str | None) -> int:
    if why is None:
        return 0
    sys.stderr.write(f"{why}\n")
    return REFUSED


def _behaviour(said: argparse.Namespace, usual: Behaviour) -> Behaviour:
    return Behaviour(
        usual.failing if said.failing is None else said.failing,
        usual.slow if said.slow is None else said.slow,
        said.dead,
    )


def _share(written: str) -> float:
    """``5%`` or ``0.05``."""
    share = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{written} is not a share: write 5% or 0.05")
    return share


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--world", type=Path, required=True, help=argparse.SUPPRESS)
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name in ("live", "heal", "show"):
        what.add_parser(name)
    moves = what.add_parser("move")
    moves.add_argument("tag")
    moves.add_argument("--expect", required=True)
    moves.add_argument("--key", required=True)
    deploys = what.add_parser("deploy")
    deploys.add_argument("tag")
    deploys.add_argument("--canaries", type=int, default=2)
    what.add_parser("promote").add_argument("tag")
    _worse(what.add_parser("publish")).add_argument("tag")
    _worse(what.add_parser("break")).add_argument("tag", nargs="?")
    return parser


def _worse(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--failing", type=_share)
    parser.add_argument("--slow", type=_share)
    parser.add_argument("--dead", action="store_true")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
