"""A page with a native histogram, as only the protobuf exposition has them; just as much of it as that needs, and gauges beside it.

Source:
    https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
    https://protobuf.dev/programming-guides/encoding/
"""

import math
import struct
from collections import Counter
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
SCHEMA = 3  # eight buckets between a number and twice that number
GAUGE, HISTOGRAM = 1, 4


def page(name: str, observed: Iterable[tuple[Mapping[str, str], Counter[float]]]) -> bytes:
    """The histogram *name*: for each set of labels, how often each value (above 0) was observed."""
    return _family(name, HISTOGRAM, (_metric(labels, values) for labels, values in observed))


def gauge(name: str, value: float) -> bytes:
    """The gauge *name*, without labels; pages are added up."""
    return _family(name, GAUGE, [_bytes(2, _double(1, value))])


def _family(name: str, kind: int, metrics: Iterable[bytes]) -> bytes:
    told = b"".join(_bytes(4, metric) for metric in metrics)
    family = _bytes(1, name.encode()) + _number(3, kind) + told
    return _varint(len(family)) + family


def _metric(labels: Mapping[str, str], values: Counter[float]) -> bytes:
    pairs = (_bytes(1, _bytes(1, key.encode()) + _bytes(2, value.encode())) for key, value in labels.items())
    return b"".join(pairs) + _bytes(7, _histogram(values))


def _histogram(values: Counter[float]) -> bytes:
    buckets: Counter[int] = Counter()
    for value, many in values.items():
        buckets[math.ceil(math.log2(value) * 2**SCHEMA)] += many
    spans, deltas, after, before = [], [], 0, 0
    for index, many in sorted(buckets.items()):
        spans.append(_bytes(12, _number(1, _zigzag(index - after)) + _number(2, 1)))
        deltas.append(_number(13, _zigzag(many - before)))
        after, before = index + 1, many
    whole = sum(value * many for value, many in values.items())
    return b"".join(
        [
            _number(1, values.total()),
            _double(2, whole),
            _number(5, _zigzag(SCHEMA)),
            _double(6, 1e-128),
            _number(7, 0),
            *spans,
            *deltas,
        ]
    )


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content
