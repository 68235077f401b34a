"""An archive that was written comes back as it was, and what was cut off or changed is noticed."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from parlant_supabase import remedies
from parlant_supabase.transfer.archive import Archive, ArchiveWriter, End, check
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.records import Failure, Part, Record

THINGS = Part("p_", "things")
FAILED = Part("p_", "things", True)
RECORDS = [
    Record(THINGS, {"id": "a", "text": "ä"}),
    Record(THINGS, {"id": "b", "n": 1.5}, '{"id": "b", "n": 1.50}'),
    Record(FAILED, {"id": "c"}, failure=Failure("c", "why", "2026-01-01")),
    Record(FAILED, None, failure=Failure(None, "why")),
]


def written(*records: Record, parts: tuple[Part, ...] = (THINGS, FAILED)) -> bytes:
    file = io.BytesIO()
    writer = ArchiveWriter(file, parts)
    for record in records:
        writer.add(record)
    writer.close()
    return file.getvalue()


async def read(content: bytes) -> list[Record]:
    return [record async for record in Archive(io.BytesIO(content), "a.jsonl").records()]


LAST_LINE = len(written(*RECORDS).splitlines(keepends=True)[-1])


def lines(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


def resealed(*entries: Any, **end: Any) -> bytes:
    """An archive of these lines, with an end that belongs to them unless told otherwise."""
    body = b"".join(
        (entry if isinstance(entry, bytes) else json.dumps(entry).encode()) + b"\n"
        for entry in entries
    )
    count = len(entries) - 1
    said = {"documents": count, "failed": 0, "sha256": hashlib.sha256(body).hexdigest(), **end}
    return body + json.dumps({"end": said}).encode() + b"\n"


HEADER = {"parlant_supabase_export": 1, "exported_at": "", "collections": [["p_", "things"]]}


class TestWriting:
    def test_that_each_line_is_what_the_format_says(self) -> None:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        content = written(*RECORDS)

        header, *entries, end = lines(content)
        assert {**header, "exported_at": None} == {
            "parlant_supabase_export": 1,
            "exported_at": None,
            "collections": [["p_", "things"]],
        }
        moment = datetime.fromisoformat(header["exported_at"])
        assert before <= moment <= datetime.now(timezone.utc)
        assert moment.microsecond == 0
        where = {"prefix": "p_", "collection": "things"}
        assert entries == [
            {**where, "document": {"id": "a", "text": "ä"}},
            {**where, "document": {"id": "b", "n": 1.5}},
            {
                **where,
                "failed": {
                    "id": "c",
                    "reason": "why",
                    "failed_at": "2026-01-01",
                    "data": {"id": "c"},
                },
            },
            {**where, "failed": {"id": None, "reason": "why", "failed_at": None, "data": None}},
        ]
        body = content[: content.rstrip(b"\n").rfind(b"\n") + 1]
        assert end == {
            "end": {"documents": 2, "failed": 2, "sha256": hashlib.sha256(body).hexdigest()}
        }
        assert content.endswith(b"\n")

    def test_that_text_is_written_as_it_is(self) -> None:
        content = written(*RECORDS).decode()

        assert '"document": {"id": "b", "n": 1.50}}\n' in content
        assert "ä" in content

    def test_that_the_end_is_returned_and_in_the_file(self) -> None:
        file = io.BufferedWriter(raw := io.BytesIO())  # type: ignore[arg-type]
        writer = ArchiveWriter(file, [THINGS])
        writer.add(RECORDS[0])

        end = writer.close()

        assert (end.documents, end.failed) == (1, 0)
        assert lines(raw.getvalue())[-1] == {"end": vars(end)}


class TestReading:
    async def test_that_what_was_written_comes_back(self) -> None:
        records = await read(written(*RECORDS))

        assert [(each.part, each.data, each.failure) for each in records] == [
            (each.part, each.data, each.failure) for each in RECORDS
        ]
        assert [each.text for each in records] == [
            '{"id": "a", "text": "ä"}',
            '{"id": "b", "n": 1.50}',
            None,
            None,
        ]

    async def test_that_one_without_documents_comes_back(self) -> None:
        assert await read(written()) == []

    def test_that_the_parts_are_known_before_anything_is_read(self) -> None:
        archive = Archive(io.BytesIO(written(parts=(THINGS, FAILED, Part("q_", "o")))), "a")

        assert archive.parts == [THINGS, Part("q_", "o")]
        assert archive.total is None
        assert archive.notes == []

    @pytest.mark.parametrize(
        ("member", "text"),
        [
            ('{"n": 10000000000000000000000.5}', '{"n": 10000000000000000000000.5}'),
            # To Postgres these are integers, or other numbers.
            ('{"n": 1e22}', None),
            ('{"n": 1E2}', None),
            ('{"n": [{"m": 1.5e3}]}', None),
            ('{"e": "1e5"}', '{"e": "1e5"}'),
            ("{ }", "{ }"),
        ],
    )
    @pytest.mark.parametrize(
        "line",
        [
            '{{"prefix": "p_", "collection": "things", "document": {}}}',
            '{{"document":{},"prefix":"p_","collection":"things"}}',
            ' {{ "x" : 1e5 , "prefix": "p_",\t"collection" : "things" , "document" : {} }}',
            '{{"document": {{"a": 1e3}}, "prefix": "p_", "collection": "things", "document": {}}}',
        ],
    )
    async def test_that_exact_text_is_kept_unless_python_reads_more_out_of_it(
        self, line: str, member: str, text: str | None
    ) -> None:
        (record,) = await read(resealed(HEADER, line.format(member).encode()))

        assert record.data == json.loads(member)
        assert record.text == text


class TestRefusal:
    def refusal(self, content: bytes) -> str:
        with pytest.raises(SourceError) as refused:
            Archive(io.BytesIO(content), "a.jsonl")
        return str(refused.value)

    async def refusal_of_records(self, content: bytes) -> str:
        with pytest.raises(SourceError) as refused:
            await read(content)
        return str(refused.value)

    def test_that_an_empty_file_is_said(self) -> None:
        assert self.refusal(b"") == "a.jsonl is empty."

    def test_that_a_first_line_that_is_no_json_is_named(self) -> None:
        assert self.refusal(b"nonsense\n").startswith("Line 1 of a.jsonl is damaged: Expecting")

    def test_that_another_file_is_said(self) -> None:
        assert self.refusal(b"{}\n") == (
            "a.jsonl was not written by `parlant-supabase export`: its first line is not that of "
            "an export."
        )

    def test_that_a_newer_format_is_said(self) -> None:
        assert self.refusal(b'{"parlant_supabase_export": 2}\n') == (
            f"a.jsonl was written by a newer parlant-supabase than this one. {remedies.upgrade()}"
        )

    @pytest.mark.parametrize("collections", ["", ', "collections": 1', ', "collections": [["p"]]'])
    def test_that_a_header_without_collections_is_said(self, collections: str) -> None:
        assert self.refusal(f'{{"parlant_supabase_export": 1{collections}}}\n'.encode()) == (
            "Line 1 of a.jsonl is damaged: the list of collections is missing."
        )

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            (b"[]", "it is no JSON object"),
            (b"{}", "it names no prefix and collection"),
            (b'{"prefix": 1, "collection": "c"}', "it names no prefix and collection"),
            (b'{"prefix": "p", "collection": 1}', "it names no prefix and collection"),
            (b'{"prefix": "p", "collection": "c"}', "there is no document in it"),
            (b'{"prefix": "p", "collection": "c", "document": 1}', "there is no document in it"),
            (b'{"prefix": "p", "collection": "c", "failed": {}}', "there is no document in it"),
            (
                b'{"prefix": "p", "collection": "c", "failed": {"reason": 1}}',
                "there is no document in it",
            ),
            (b"{" + b'"a":{' * 100_000 + b"}" * 100_001, "it is nested too deeply"),
            (b'{"end": 1}', "it does not say how the export ended"),
            (b'{"end": {"documents": 1}}', "it does not say how the export ended"),
        ],
    )
    async def test_that_a_damaged_line_is_named(self, line: bytes, what: str) -> None:
        good = b'{"prefix": "p", "collection": "c", "document": {}}'

        said = await self.refusal_of_records(resealed(HEADER, good, line))

        assert said == f"Line 3 of a.jsonl is damaged: {what}."

    async def test_that_a_line_that_is_no_json_is_named(self) -> None:
        said = await self.refusal_of_records(resealed(HEADER, b"nonsense"))

        assert said.startswith("Line 2 of a.jsonl is damaged: Expecting value")

    @pytest.mark.parametrize("cut", [5, LAST_LINE, 200])
    async def test_that_a_cut_off_archive_is_said(self, cut: int) -> None:
        content = written(*RECORDS)[:-cut]

        assert await self.refusal_of_records(content) == (
            "a.jsonl ends early: the line with which an export ends is missing, so it was cut off."
        )

    @pytest.mark.parametrize(
        ("end", "held"),
        [
            ({"documents": 2000}, "2,000 documents and 0 failed ones, and holds 1 and 0"),
            ({"failed": 1000}, "1 documents and 1,000 failed ones, and holds 1 and 0"),
        ],
    )
    async def test_that_other_numbers_are_said(self, end: Any, held: str) -> None:
        good = b'{"prefix": "p", "collection": "c", "document": {}}'

        assert await self.refusal_of_records(resealed(HEADER, good, **end)) == (
            f"a.jsonl is not as it was exported: it should hold {held}."
        )

    async def test_that_failed_ones_are_counted(self) -> None:
        failed = {"prefix": "p", "collection": "c", "failed": {"reason": "why"}}

        (record,) = await read(resealed(HEADER, failed, documents=0, failed=1))

        assert record == Record(Part("p", "c", True), None, failure=Failure(None, "why"))

    async def test_that_a_change_is_noticed(self) -> None:
        content = written(*RECORDS).replace(b'"a"', b'"z"')

        assert await self.refusal_of_records(content) == (
            "a.jsonl is not as it was exported: its digest is another."
        )

    async def test_that_more_after_the_end_is_noticed(self) -> None:
        content = written(RECORDS[0])

        assert await self.refusal_of_records(content + b"{}\n") == (
            "a.jsonl goes on after its end, at line 4."
        )


class TestCheck:
    def test_that_a_whole_archive_says_what_it_holds(self, tmp_path: Path) -> None:
        many = [Record(THINGS, {"id": str(number), "x": "x" * 1000}) for number in range(2500)]
        path = tmp_path / "a.jsonl"
        path.write_bytes(written(*many, RECORDS[2]))

        end = check(path)

        assert isinstance(end, End)
        assert (end.documents, end.failed) == (2500, 1)

    def test_that_a_short_one_is_read_too(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(resealed())
        assert path.stat().st_size < 1000

        assert check(path).sha256 == hashlib.sha256(b"").hexdigest()

    @pytest.mark.parametrize(
        "last", [b"", b"{}\n", b"[]\n", b"nonsense\n", b'{"end": 1}\n', b'{"end": {"x": 1}}\n']
    )
    def test_that_one_without_end_is_cut_off(self, tmp_path: Path, last: bytes) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(json.dumps(HEADER).encode() + b"\n" + last)

        with pytest.raises(SourceError) as refused:
            check(path)

        assert str(refused.value) == (
            f"{path} ends early: the line with which an export ends is missing, so it was cut off."
        )

    def test_that_it_is_read_in_chunks(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(written(Record(THINGS, {"id": "a", "x": "x" * 5_000_000})))

        tracemalloc.start()
        try:
            check(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 4_000_000

    def test_that_a_blank_line_after_the_end_is_no_end(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(written() + b" \n")

        with pytest.raises(SourceError, match="ends early"):
            check(path)

    def test_that_a_change_is_noticed(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(written(*RECORDS).replace(b'"a"', b'"z"'))

        with pytest.raises(SourceError) as refused:
            check(path)

        assert str(refused.value) == f"{path} is not as it was exported: its digest is another."
