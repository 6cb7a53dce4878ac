"""From models of pydantic, as a package holds them, the JSON Schema of what AWS sends."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.schemas.openapi import Schema, pared, referred
from tests.schemas.packages import Package, run

_PRINTED = """
import json
from pydantic.json_schema import GenerateJsonSchema
from aws_lambda_powertools.utilities.parser.models import EventBridgeModel, SnsNotificationModel

class Generate(GenerateJsonSchema):
    def handle_invalid_for_json_schema(self, schema, error):
        return {"type": "string"}  # a message may be read into a model there, and is text on its way

print(json.dumps([each.model_json_schema(schema_generator=Generate) for each in (SnsNotificationModel, EventBridgeModel)]))
"""
# The models take what Lambda is given. Over HTTPS and in a queue two members are spelt otherwise: SnsNotificationModel says so too.
_SPELT = {"UnsubscribeUrl": "UnsubscribeURL", "SigningCertUrl": "SigningCertURL"}


def messages(package: Package, folder: Path) -> Schema:
    """A notification of SNS, and an event of EventBridge."""
    place = folder / "models"
    run(sys.executable, "-m", "venv", str(place), place=folder)
    wanted = f"{package.name}=={package.version}"
    run(str(place / "bin" / "pip"), "install", "--quiet", wanted, "pydantic", place=folder)
    notification, event = json.loads(run(str(place / "bin" / "python"), "-c", _PRINTED, place=folder))
    notification["properties"] = _spelt(notification["properties"])
    notification["required"] = [_SPELT.get(name, name) for name in notification["required"]]
    used = {"sns-notification": {"body": pared(notification)}, "eventbridge-event": {"body": pared(event)}}
    return referred(used, {**notification.get("$defs", {}), **event.get("$defs", {})})


def _spelt(properties: Mapping[str, Schema]) -> Mapping[str, Schema]:
    return {_SPELT.get(name, name): each for name, each in properties.items()}
