"""What is read of a document of JSON can be written again as it was; all else is refused, with words."""

import json

import pytest

from deploy.targets import exact_json

MOST = 1_000


@pytest.mark.parametrize(
    "number",
    [
        *("1e-99999999999999999999", "0e-99999999999999999999", "0.1000000000000000055511151231257827"),
        *("1e-400", "1e400", "1e99999999999999999999", "NaN", "-Infinity", "1" * 900 + "e0"),
    ],
)
def test_a_number_that_could_not_be_written_again_is_refused_with_words(number):
    with pytest.raises(ValueError, match="it is not JSON: "):
        exact_json.read(f'{{"limit": {number}}}'.encode(), MOST, exact_json.precise)


def test_a_name_that_stands_twice_is_refused_for_one_of_them_would_be_lost():
    with pytest.raises(ValueError, match="a name stands twice"):
        exact_json.read(b'{"values": {"a": 1, "b": 2, "a": 1}}', MOST)


@pytest.mark.parametrize(
    "body",
    [
        *(
            '{"limit": 123456789012345678901234567890}',
            '{"limit": 0.1}',
            '{"limit": 1e5}',
            '{"half": "\\ud800"}',
        ),
        *('{"Größe": "✓ 🚀 \\u2028", "pct::5": [[], {}, null]}', '{"b": 1, "a": 2}'),
    ],
)
@pytest.mark.parametrize("densely", [False, True])
def test_what_is_read_is_written_again_as_it_was(body, densely):
    said = exact_json.read(body.encode(), MOST, exact_json.precise)
    written = exact_json.written(said, densely=densely)

    assert json.loads(written) == json.loads(body)
    assert list(json.loads(written)) == list(json.loads(body))


def test_written_densely_it_is_no_longer_than_it_was():
    body = json.dumps(
        {"values": {f"flag-{number}": {"enabled": True} for number in range(20)}}, separators=(",", ":")
    )

    assert len(exact_json.written(json.loads(body), densely=True)) <= len(body)
