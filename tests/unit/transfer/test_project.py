"""A project's collections as the functions of the database tell of them; the client is a fake."""

from __future__ import annotations

from typing import Any, cast

import pytest
from parlant_supabase.errors import CollectionExistsError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.transfer.errors import TransferError
from parlant_supabase.transfer.project import Project, Saved
from parlant_supabase.transfer.records import Failure, Part, Record

THINGS, FAILED = Part("p_", "things"), Part("p_", "things", True)
WHERE = {"p_prefix": "p_", "p_collection": "things"}


class FakeRpc:
    """Answers calls with what it was given, in order."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.calls: list[tuple[str, dict[str, Any], str]] = []

    async def call(self, function: Any, arguments: dict[str, Any], subject: str) -> Any:
        self.calls.append((function.name, arguments, subject))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def project(rpc: FakeRpc) -> Project:
    return Project(cast("RpcClient", rpc))


def collection(
    prefix: str, name: str, rows: int = 1, *, documents: bool = True, failed: bool = True
) -> Any:
    return {
        "prefix": prefix,
        "collection": name,
        "table": f"{prefix}{name}",
        "documents": rows if documents else None,
        "failed_table": f"{prefix}{name}_failed",
        "failed": rows if failed else None,
    }


async def test_that_parts_come_with_their_sizes_in_order(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [
        {
            "collections": [
                collection("q_", "a"),
                collection("p_", "sessions", 3),
                collection("p_", "events", 0),
                collection("p_", "metadata"),
            ]
        }
    ]

    parts = await project.parts()

    names = ["p_ metadata", "p_ events", "p_ sessions", "q_ a"]
    assert [str(part) for part in parts] == [
        each for name in names for each in (name, f"{name} (failed)")
    ]
    assert parts[Part("p_", "sessions")] == 3
    assert parts[Part("p_", "events", True)] == 0
    assert rpc.calls == [
        (
            "parlant_count_documents",
            {"p_prefix": "", "p_exact": False},
            "looking at the collections",
        )
    ]


async def test_that_parts_may_be_of_one_prefix(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [{"collections": [collection("p_x_", "a")]}]

    assert {part.prefix for part in await project.parts("p_")} == {"p_x_"}
    assert rpc.calls[0][1] == {"p_prefix": "p_", "p_exact": False}


async def test_that_a_missing_table_is_told(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [{"collections": [collection("p_", "things", failed=False)]}]

    with pytest.raises(TransferError) as refused:
        await project.parts()

    assert str(refused.value) == (
        "The table p_things_failed is missing; `parlant-supabase doctor` says what to do about it."
    )


async def test_that_a_missing_table_may_be_left_out(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [
        {
            "collections": [
                collection("o_", "things", documents=False),
                collection("p_", "things", failed=False),
                collection("q_", "a"),
            ]
        }
    ]

    assert [*await project.parts(need_all=False)] == [
        Part("o_", "things", True),
        THINGS,
        Part("q_", "a"),
        Part("q_", "a", True),
    ]


async def test_that_parts_are_counted_at_one_moment(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [
        {"collections": [{**collection("p_", "things", 2), "failed": 1}]},
        {"collections": [collection("p_", "things", failed=False)]},
    ]

    assert await project.counts("p_") == {THINGS: 2, FAILED: 1}
    assert await project.counts("p_") == {THINGS: 1}
    assert (
        rpc.calls == [("parlant_count_documents", {"p_prefix": "p_"}, "counting the documents")] * 2
    )


async def test_that_unreadable_documents_are_copied_in_bounded_calls(
    rpc: FakeRpc, project: Project
) -> None:
    rpc.answers = [{"copied": 500}, {"copied": 1}]

    await project.copy_unreadable(THINGS, {f"d{number}": "KeyError" for number in range(501)})

    assert [(name, len(each["p_documents"])) for name, each, _ in rpc.calls] == [
        ("parlant_copy_unreadable_documents", 500),
        ("parlant_copy_unreadable_documents", 1),
    ]
    assert rpc.calls[1][1] == {**WHERE, "p_documents": [{"id": "d500", "reason": "KeyError"}]}


@pytest.mark.parametrize("answer", [{}, CollectionExistsError("it is there")])
async def test_that_a_collection_is_made_if_need_be(
    rpc: FakeRpc, project: Project, answer: Any
) -> None:
    rpc.answers = [answer]

    await project.create(THINGS)

    (call,) = rpc.calls
    assert call[:2] == ("parlant_create_collection", WHERE)
    assert call[2].endswith(" of collection 'things' (prefix 'p_')")


async def test_that_tables_are_adopted(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [{"collections": ["events"]}]

    assert await project.adopt("p_", ["events", "sessions"]) == ["events"]
    assert rpc.calls == [
        (
            "parlant_adopt_collections",
            {"p_prefix": "p_", "p_collections": ["events", "sessions"]},
            "adopting the tables under the prefix 'p_'",
        )
    ]


async def test_that_pages_follow_one_another(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [
        {"documents": ['{"id": "a", "n": 1.50}'], "next": {"seq": 1}},
        {"documents": [], "next": None},
    ]

    pages = [page async for page in project.pages(THINGS)]

    assert pages == [[Record(THINGS, {"id": "a", "n": 1.5}, '{"id": "a", "n": 1.50}')], []]
    assert [(name, arguments) for name, arguments, _ in rpc.calls] == [
        ("parlant_export_documents", {**WHERE, "p_after": None}),
        ("parlant_export_documents", {**WHERE, "p_after": {"seq": 1}}),
    ]


async def test_that_pages_of_failed_ones_follow_one_another(rpc: FakeRpc, project: Project) -> None:
    entry = {"id": "a", "reason": "why", "failed_at": "2026", "data": {"id": "a"}}
    rpc.answers = [{"documents": [entry], "next": 7}, {"documents": [], "next": None}]

    pages = [page async for page in project.pages(FAILED)]

    assert pages == [[Record(FAILED, {"id": "a"}, None, Failure("a", "why", "2026"))], []]
    assert [(name, arguments) for name, arguments, _ in rpc.calls] == [
        ("parlant_list_failed_documents", {**WHERE, "p_after": after, "p_with_data": True})
        for after in (None, 7)
    ]


@pytest.mark.parametrize("replace", [False, True])
async def test_that_documents_are_saved(rpc: FakeRpc, project: Project, replace: bool) -> None:
    rpc.answers = [{"inserted": 1, "unchanged": 2, "replaced": 3, "different": ["x"]}]

    assert await project.save(THINGS, ["{}"], replace=replace) == Saved(1, 2, 3, ["x"])
    assert rpc.calls[0][:2] == (
        "parlant_import_documents",
        {**WHERE, "p_documents": ["{}"], "p_replace": replace},
    )


async def test_that_failed_ones_are_saved(rpc: FakeRpc, project: Project) -> None:
    rpc.answers = [{"inserted": 1, "unchanged": 2}]

    assert await project.save(FAILED, [{"id": "a"}], replace=True) == Saved(1, 2)
    assert rpc.calls[0][:2] == (
        "parlant_import_failed_documents",
        {**WHERE, "p_documents": [{"id": "a"}]},
    )
