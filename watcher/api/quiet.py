"""What aiohttp would say in our log of those who ask."""

import logging

from aiohttp import ClientError
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

HUNG_UP = (ConnectionError, ClientError, RequestPayloadError)


class _OursOnly(logging.Filter):
    """aiohttp calls it an error, with a traceback, when somebody hangs up early or sends what is no HTTP: a way to fill our log."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, (*HUNG_UP, HttpProcessingError))


def quiet_logger() -> logging.Logger:
    """The one that aiohttp speaks to."""
    logger = logging.getLogger("rollbackd.http")
    if not any(isinstance(each, _OursOnly) for each in logger.filters):
        logger.addFilter(_OursOnly())
    return logger
