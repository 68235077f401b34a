"""The ledger knows a document again, by its part, its key and its content."""

from __future__ import annotations

import sqlite3

import pytest
from parlant_supabase.transfer.ledger import Ledger, Likeness
from parlant_supabase.transfer.records import Fingerprint, Part

THINGS, FAILED = Part("p_", "things"), Part("p_", "things", True)
FIRST = Fingerprint(b"1", "monday", 1)
LATER = Fingerprint(b"1", "tuesday", 9)
OTHER = Fingerprint(b"2", "monday", 1)


def test_that_a_document_compares_with_the_first_of_its_key() -> None:
    with Ledger() as ledger:
        assert ledger.add(THINGS, "a", FIRST) is Likeness.UNKNOWN
        assert ledger.add(THINGS, "a", Fingerprint(b"1", "monday", 5)) is Likeness.EQUAL
        assert ledger.add(THINGS, "a", LATER) is Likeness.EQUAL_BUT_FOR_CREATION_UTC
        assert ledger.add(THINGS, "a", OTHER) is Likeness.DIFFERENT
        assert ledger.add(THINGS, "a", FIRST) is Likeness.EQUAL


def test_that_keys_and_parts_are_apart() -> None:
    with Ledger() as ledger:
        ledger.add(THINGS, "a", FIRST)

        assert ledger.add(FAILED, "a", OTHER) is Likeness.UNKNOWN
        assert ledger.add(THINGS, "b", OTHER) is Likeness.UNKNOWN
        assert sorted(ledger.keys(THINGS)) == ["a", "b"]
        assert [*ledger.keys(FAILED)] == ["a"]
        assert [*ledger.keys(Part("q_", "things"))] == []


def test_that_striking_removes_one_and_says_how_it_compares() -> None:
    with Ledger() as ledger:
        for key in ("a", "b", "c", "d"):
            ledger.add(THINGS, key, FIRST)
        ledger.add(FAILED, "a", FIRST)

        assert ledger.strike(THINGS, "a", FIRST) is Likeness.EQUAL
        assert ledger.strike(THINGS, "a", FIRST) is Likeness.UNKNOWN
        assert ledger.strike(THINGS, "b", OTHER) is Likeness.DIFFERENT
        assert ledger.strike(THINGS, "c") is Likeness.UNKNOWN
        assert [*ledger.keys(THINGS)] == ["d"]
        assert [*ledger.keys(FAILED)] == ["a"]


def test_that_it_is_closed_at_the_end() -> None:
    with Ledger() as ledger:
        ledger.add(THINGS, "a", FIRST)

    with pytest.raises(sqlite3.ProgrammingError):
        ledger.add(THINGS, "b", FIRST)
