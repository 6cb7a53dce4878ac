import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import BadTemplate, BadValue
from deploy.targets.template import GRAMMAR, WHAT, WHERE, check, fill
from tests.deploy.test_model import HOSTILE

KNOWN = (*WHERE, *WHAT)


def test_names_are_replaced_and_a_doubled_dollar_is_one():
    assert fill("${service}:${tag} costs $$5", {"service": "checkout", "tag": "v1"}) == "checkout:v1 costs $5"


def test_what_is_filled_in_is_not_read_again():
    assert fill("$${tag}", {"tag": "v1"}) == "${tag}"


@pytest.mark.parametrize("template", ["", "plain", "${tag}", "$$", "$${x}", "a${tag}b${key}c", "{tag}", "%s"])
def test_a_template_of_known_names_is_taken_as_it_is(template):
    assert check(template, KNOWN) == template


@pytest.mark.parametrize("template", ["$", "$tag", "a$", "${tag", "${", "$$$", "$(x)"])
def test_a_bare_dollar_sign_is_a_mistake(template):
    with pytest.raises(BadTemplate, match="a bare dollar sign") as caught:
        check(template, KNOWN)

    assert caught.value.remedy.endswith("a dollar sign is written $$")


@pytest.mark.parametrize("template", ["${}", "${ tag}", "${TAG}", "${tag!r}", "${tag.x}", "${version}"])
def test_an_unknown_name_is_a_mistake_that_lists_the_known(template):
    with pytest.raises(BadTemplate, match="is not known here") as caught:
        check(template, ("tag", "key"))

    assert caught.value.remedy == "known: ${tag}, ${key}; a dollar sign is written $$"


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("value", HOSTILE)
def test_no_place_takes_a_hostile_value(name, value):
    with pytest.raises(BadValue) as caught:
        fill(f"${{{name}}}", {name: value})

    assert caught.value.remedy.startswith("it may have ")


@pytest.mark.parametrize("name", KNOWN)
@given(value=st.text(max_size=300))
def test_only_what_fits_the_grammar_stands_in_an_argument_and_never_as_an_option(name, value):
    try:
        filled = fill(f"${{{name}}}", {name: value})
    except BadValue:
        assert not re.fullmatch(GRAMMAR[name][0], value)
    else:
        assert filled == value
        assert not value.startswith("-")
        assert value.isascii()
        assert value.isprintable()
        assert ".." not in value.split("/")
