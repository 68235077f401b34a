"""Parlant's JSON files, whole, partial or damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Failure, Part, Record
from parlant_supabase.transfer.sources.json_files import JSONFiles


def write(folder: Path, store: str, content: Any) -> Path:
    path = folder / f"{store}.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


async def records(path: Path) -> list[Record]:
    return [record async for record in JSONFiles(path).records()]


async def test_that_a_folder_is_read_store_by_store_metadata_first(tmp_path: Path) -> None:
    write(tmp_path, "sessions", {"events": [{"id": "ä"}], "metadata": [{"id": "m"}]})
    write(tmp_path, "customers", {"customers": [{"id": "c"}]})
    write(tmp_path, "context_variables", {"variables": [{"id": "v"}]})
    write(tmp_path, "agents", {"agents": [{"id": "x"}]})
    write(tmp_path, "tags", {})

    source = JSONFiles(tmp_path)

    assert (source.parts, source.total) == ((), None)
    assert source.notes == [
        "agents.json, tags.json: not for these stores, so left where Parlant reads them"
    ]
    assert await records(tmp_path) == [
        Record(Part("parlant_context_variables_", "variables"), {"id": "v"}),
        Record(Part("parlant_customers_", "customers"), {"id": "c"}),
        Record(Part("parlant_sessions_", "metadata"), {"id": "m"}),
        Record(Part("parlant_sessions_", "events"), {"id": "ä"}),
    ]


async def test_that_one_file_is_read_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "customers", {"customers": [{"id": "c"}]})
    write(tmp_path, "sessions", {"sessions": [{"id": "s"}]})

    assert JSONFiles(path).notes == []
    assert [record.id for record in await records(path)] == ["c"]


async def test_that_failed_ones_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "sessions", {"failed_migrations": [{"id": "e", "session_id": "s"}, {"id": 1}]})

    assert await records(tmp_path) == [
        Record(
            Part("parlant_sessions_", "events", True),
            {"id": "e", "session_id": "s"},
            failure=Failure("e", "unknown"),
        ),
        Record(
            Part("parlant_sessions_", "sessions", True),
            {"id": 1},
            failure=Failure(None, "unknown"),
        ),
    ]


async def test_that_an_empty_file_is_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "sessions.json").touch()

    assert await records(tmp_path) == []


@pytest.mark.parametrize("name", ["", "agents.json"])
def test_that_a_place_without_files_is_said(tmp_path: Path, name: str) -> None:
    write(tmp_path, "agents", {})

    with pytest.raises(SourceError) as refused:
        JSONFiles(tmp_path / name)

    assert str(refused.value) == (
        f"{tmp_path / name} holds none of sessions.json, customers.json and "
        "context_variables.json; name the folder that PARLANT_HOME is set to, by default "
        "parlant-data."
    )


@pytest.mark.parametrize("content", [[], {"events": {}}, {"events": [1]}, {"a": [], "b": 1}, 1])
async def test_that_another_file_is_said(tmp_path: Path, content: Any) -> None:
    path = write(tmp_path, "sessions", content)

    with pytest.raises(SourceError) as refused:
        await records(tmp_path)

    assert str(refused.value) == f"{path} is no file of Parlant's: it holds something else."


@pytest.mark.parametrize("text", ['{"events": [', "[" * 200_000])
async def test_that_a_damaged_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(text)

    with pytest.raises(SourceError) as refused:
        await records(tmp_path)

    assert str(refused.value).startswith(f"{path} is damaged: ")
    assert str(refused.value).endswith(". If an agent is writing to it, stop the agent first.")


async def test_that_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.mkdir()

    with pytest.raises(SourceError) as refused:
        await records(tmp_path)

    assert str(refused.value) == f"{path} cannot be read: Is a directory."
