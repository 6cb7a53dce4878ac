"""What is said in SQLite's words, as PostgreSQL hears it."""

import pytest

from watcher.store.postgresql.dialect import CLOCK, bound, table, translated


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("SELECT a FROM t WHERE id = :id", "SELECT a FROM t WHERE id = %(id)s"),
        ("lease_until = :clock + :lease", f"lease_until = ({CLOCK}) + %(lease)s"),
        (
            "SELECT a LIMIT :limit /* postgresql: FOR UPDATE SKIP LOCKED */",
            "SELECT a LIMIT %(limit)s FOR UPDATE SKIP LOCKED",
        ),
        ("SELECT 'x' LIKE 'a%'", "SELECT 'x' LIKE 'a%%'"),
        ("SELECT x::float8 FROM t", "SELECT x::float8 FROM t"),
        ("SELECT 1 /* another remark */", "SELECT 1 /* another remark */"),
    ],
)
def test_a_statement(said, heard):
    assert translated(said) == heard


def test_a_test_may_bring_a_clock_of_its_own():
    assert translated("SELECT :clock", own_clock=False) == "SELECT %(clock)s"


def test_columns_have_the_types_that_hold_the_same():
    said = "CREATE TABLE t (seq INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, x REAL, b BLOB, words TEXT)"

    assert table(said) == (
        "CREATE TABLE t (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n BIGINT, x DOUBLE PRECISION, b BYTEA, "
        'words TEXT COLLATE "C")'
    )


def test_a_text_with_a_nul_is_kept_with_a_stand_in():
    assert bound({"a": "x\x00y", "b": b"\x00", "c": 1}) == {"a": "x\ufffdy", "b": b"\x00", "c": 1}
