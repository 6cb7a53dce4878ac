"""The one way in: first who has sent it, then what it says."""

from deploy.source import Received
from watcher.http import Http
from watcher.signals.alert.pushed import Meaning
from watcher.signals.alert.senders.sender import Proven, Sender, Unproven


async def heard(sender: Sender, http: Http, received: Received) -> Meaning | Unproven:
    """What *received* says, if *sender*'s system has sent it. Nobody looks into the rest."""
    if not sender.admits(received.headers, received.body, received.at):
        return Unproven("a wrong secret or signature, or none")
    if isinstance(sender, Proven):
        unproven = await sender.verify(http, received.body, received.at)
        if unproven is not None:
            return unproven
    return sender.read(received)
