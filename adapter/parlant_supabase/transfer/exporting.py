"""Writes the documents of a project as an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from parlant_supabase.transfer.archive import ArchiveWriter, End
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part


@dataclass(frozen=True)
class Difference:
    """A part of which another number of documents was written than its table has.

    Attributes:
        part: The part.
        written: How many documents were written.
        before: How many its table had when the export began.
        after: How many it has now.
    """

    part: Part
    written: int
    before: int
    after: int


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        counts: Of each part how many documents.
        end: The archive's last line.
        differences: The parts whose counts no writing in one direction explains.
    """

    counts: Counter[Part]
    end: End
    differences: Sequence[Difference] = ()


async def export(
    project: Project,
    parts: Sequence[Part],
    file: BinaryIO,
    advance: Callable[[int], None],
    prefix: str = "",
) -> Exported:
    """Writes the documents of some parts, a page in memory at a time, and counts them afterwards.

    Each page is a transaction of its own, so documents may be written or deleted between two pages.
    The count of what was exported must then lie between those at the beginning and at the end.

    Args:
        project: Where they are.
        parts: The parts.
        file: Where they are written.
        advance: Is told how many documents more have been written.
        prefix: What the prefixes of the parts begin with.

    Raises:
        SupabaseAdapterError: The project cannot be read any more; the archive has no end.
        OSError: The file cannot be written any more.
    """
    before = await project.counts(prefix)
    archive = ArchiveWriter(file, parts)
    counts = Counter(dict.fromkeys(parts, 0))
    for part in parts:
        async for page in project.pages(part):
            for record in page:
                archive.add(record)
            counts[part] += len(page)
            advance(len(page))
    end = archive.close()
    after = await project.counts(prefix)
    return Exported(counts, end, _differences(counts, before, after))


def _differences(
    counts: Mapping[Part, int], before: Mapping[Part, int], after: Mapping[Part, int]
) -> list[Difference]:
    """The parts of which more or fewer documents were written than their tables ever had."""
    return [
        Difference(part, written, before.get(part, 0), after.get(part, 0))
        for part, written in counts.items()
        if not min(before.get(part, 0), after.get(part, 0))
        <= written
        <= max(before.get(part, 0), after.get(part, 0))
    ]
