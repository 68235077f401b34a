"""A store's loader sees what it has to, and what it makes of documents is stored."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from parlant.core.common import Version
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase.document_migration import (
    LoadingReport,
    load_documents,
    log_report,
    store_of,
    version_of,
)
from parlant_supabase.rpc.functions import SAVE_LOADED_DOCUMENTS, Function

from tests.unit.stores.fake_rpc import a_logger


class Store:
    """A store whose loader is told what to make of each document."""

    VERSION: Any = Version.from_string("2.0.0")

    def __init__(self, **outcomes: Any) -> None:
        self.outcomes = outcomes
        self.seen: list[Any] = []

    async def load(self, document: BaseDocument) -> Any:
        self.seen.append(document["id"])
        outcome = self.outcomes.get(document["id"], document)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Calls:
    """The database's answers: pages that follow one another."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = [*replies]
        self.made: list[dict[str, Any]] = []

    async def __call__(self, function: Function[Any], **arguments: Any) -> Any:
        assert function is SAVE_LOADED_DOCUMENTS
        self.made.append(arguments)
        return self.replies.pop(0)


def to_load(*ids: str, **data: Any) -> list[dict[str, Any]]:
    return [
        {"id": id, "digest": f"digest of {id}", "data": {"id": id, "version": "1.0.0", **data}}
        for id in ids
    ]


def page(*ids: str, next: Any = None, **counts: int) -> Any:
    return {
        "documents": to_load(*ids),
        "next": next,
        **{"changed": 0, "rejected": 0, "raised": 0, **counts},
    }


END = page()
POSITION = {"version": "1.0.0", "seq": 5}


async def run(calls: Calls, first: Any, store: Store) -> tuple[LoadingReport, list[Any]]:
    named: list[Any] = []
    report = await load_documents(calls, first, store.load, lambda *each: named.append(each))
    return report, named


async def test_that_nothing_is_sent_where_nothing_is_to_be_loaded() -> None:
    calls, store = Calls(), Store()

    assert await run(calls, END, store) == (LoadingReport(0, 0, 0), [])
    assert (calls.made, store.seen) == ([], [])


async def test_that_a_changed_document_is_sent_with_what_it_was_read_as() -> None:
    changed = {"id": "a", "version": "2.0.0", "new": True}
    calls = Calls(page(changed=1))

    report, named = await run(calls, page("a", "b"), Store(a=changed))

    assert (report, named) == (LoadingReport(changed=1), [])
    assert calls.made == [
        {
            "p_results": [
                {
                    "id": "a",
                    "digest": "digest of a",
                    "outcome": "changed",
                    "data": changed,
                }
            ],
            "p_version": "2.0.0",
            "p_after": None,
        }
    ]


@pytest.mark.parametrize("nothing", [None, {}])
async def test_that_a_rejected_document_is_told(nothing: Any) -> None:
    calls = Calls(page(rejected=1))

    report, named = await run(calls, page("a"), Store(a=nothing))

    assert report == LoadingReport(rejected=1)
    assert named == [("a", "Parlant does not know its version")]
    [result] = calls.made[0]["p_results"]
    assert result == {"id": "a", "digest": "digest of a", "outcome": "rejected"}


@pytest.mark.parametrize(
    ("error", "reason", "why"),
    [
        (ValueError("a b"), "ValueError: a b", "ValueError"),
        (ValueError("\x00\ud800" + "x" * 600), "ValueError: ?" + "x" * 486, "ValueError"),
        (KeyError("name"), "KeyError: 'name'", "KeyError: 'name'"),
    ],
)
async def test_that_a_document_on_which_the_loader_raises_is_told(
    error: Exception, reason: str, why: str
) -> None:
    calls = Calls(page(raised=1))

    report, named = await run(calls, page("a"), Store(a=error))

    assert report == LoadingReport(raised=1)
    assert named == [("a", f"it cannot be converted to today's version: {why}")]
    [result] = calls.made[0]["p_results"]
    assert result == {
        "id": "a",
        "digest": "digest of a",
        "outcome": "raised",
        "reason": reason,
    }


async def test_that_a_loader_may_change_its_argument() -> None:
    class InPlace(Store):
        async def load(self, document: BaseDocument) -> Any:
            document["version"] = Version.String("2.0.0")
            return document

    calls = Calls(page(changed=1))

    await run(calls, page("a"), InPlace())

    assert [each["outcome"] for each in calls.made[0]["p_results"]] == ["changed"]


@pytest.mark.parametrize(
    ("stored", "loaded", "is_changed"),
    [(1, 1.0, True), (1, True, True), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False)],
)
async def test_that_equal_values_of_other_types_are_changes(
    stored: Any, loaded: Any, is_changed: bool
) -> None:
    first = {"documents": to_load("a", x=stored), "next": None}
    calls = Calls(page())

    await run(calls, first, Store(a={"id": "a", "version": "1.0.0", "x": loaded}))

    assert len(calls.made) == is_changed


async def test_that_a_last_page_without_results_ends_it() -> None:
    calls, store = Calls(), Store()

    assert await run(calls, page("a"), store) == (LoadingReport(), [])
    assert (calls.made, store.seen) == ([], ["a"])


async def test_that_a_page_without_results_leads_to_the_next() -> None:
    changed = {"id": "c", "version": "2.0.0"}
    calls = Calls(page("b", next={"seq": 9}), page("c", next=None), page("d", changed=1), END)
    store = Store(c=changed)

    report, _ = await run(calls, page("a", next=POSITION), store)

    # A page on which nothing is to be converted says nothing of those that follow.
    assert store.seen == ["a", "b", "c", "d"]
    assert report == LoadingReport(changed=1)
    assert [call["p_after"] for call in calls.made] == [POSITION, {"seq": 9}, None]
    assert [len(call["p_results"]) for call in calls.made] == [0, 0, 1]


async def test_that_the_counts_of_all_pages_are_added_up() -> None:
    calls = Calls(
        page("b", next=POSITION, changed=1, rejected=2, raised=3),
        page(changed=10, rejected=20, raised=30),
    )

    report, _ = await run(calls, page("a", next=POSITION), Store())

    assert report == LoadingReport(changed=11, rejected=22, raised=33)


def test_that_a_loader_of_a_store_has_its_version() -> None:
    store = Store()

    assert store_of(store.load) is store
    assert version_of(store.load) == "2.0.0"
    store.VERSION = "text"
    assert version_of(store.load) == "text"


def test_that_another_loader_has_no_version() -> None:
    class Owner:
        async def load(self, document: BaseDocument) -> BaseDocument:
            return document

    async def load(document: BaseDocument) -> BaseDocument:
        return document

    without = Store()
    without.VERSION = None
    for loader in (Owner().load, load, without.load):
        assert store_of(loader) is None
        assert version_of(loader) is None


@pytest.mark.parametrize(
    ("report", "level", "sentence"),
    [
        (
            LoadingReport(changed=2),
            logging.INFO,
            "Migrated 2 documents of collection 'events'.",
        ),
        (
            LoadingReport(rejected=3),
            logging.WARNING,
            "3 documents of collection 'events' were rejected by its loader and moved to table "
            "p_events_failed.",
        ),
        (
            LoadingReport(raised=4),
            logging.ERROR,
            "4 documents of collection 'events' could not be migrated. They stay as they are; a "
            "copy of each is in table p_events_failed.",
        ),
    ],
)
def test_that_the_log_says_what_loading_came_to(
    report: LoadingReport, level: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    log_report(a_logger(), "events", "p_events_failed", report)

    [record] = caplog.records
    assert record.levelno == level
    assert sentence in record.getMessage()


def test_that_the_log_says_nothing_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    log_report(a_logger(), "events", "p_events_failed", LoadingReport())

    assert caplog.records == []
