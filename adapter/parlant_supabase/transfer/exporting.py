"""Writes the documents of a project as an archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from parlant_supabase.transfer.archive import ArchiveWriter, End
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        counts: Of each part how many documents.
        end: The archive's last line.
    """

    counts: Counter[Part]
    end: End


async def export(
    project: Project, parts: Sequence[Part], file: BinaryIO, advance: Callable[[int], None]
) -> Exported:
    """Writes the documents of some parts, a page in memory at a time.

    Args:
        project: Where they are.
        parts: The parts.
        file: Where they are written.
        advance: Is told how many documents more have been written.

    Raises:
        SupabaseAdapterError: The project cannot be read any more; the archive has no end.
        OSError: The file cannot be written any more.
    """
    archive = ArchiveWriter(file, parts)
    counts = Counter(dict.fromkeys(parts, 0))
    for part in parts:
        async for page in project.pages(part):
            for record in page:
                archive.add(record)
            counts[part] += len(page)
            advance(len(page))
    return Exported(counts, archive.close())
