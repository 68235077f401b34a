"""Tables of the same project under another prefix, such as those of the earlier adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from parlant_supabase.store_layout import METADATA
from parlant_supabase.transfer.errors import SourceError
from parlant_supabase.transfer.project import Project
from parlant_supabase.transfer.records import Part, Record


class Tables:
    """Reads the tables of Parlant's stores under one prefix, where they were made by hand, too.

    Made with `open`.

    Args:
        project: The project.
        prefix: The prefix.
        collections: The collections under it that are read, and the prefix of each one's store.
    """

    def __init__(self, project: Project, prefix: str, collections: Mapping[str, str]) -> None:
        self._project = project
        self._target_of = {
            Part(prefix, collection, is_failed): Part(target, collection, is_failed)
            for collection, target in collections.items()
            for is_failed in (False, True)
        }
        self.parts: Sequence[Part] = list(self._target_of.values())
        self.total: int | None = None
        self.notes: list[str] = []

    @classmethod
    async def open(
        cls, project: Project, prefix: str, target_of: Mapping[str, str], *, adopt: bool
    ) -> Tables:
        """The tables under a prefix.

        Args:
            project: The project.
            prefix: The prefix.
            target_of: By collection, metadata left out, the prefix of the store that it is of.
            adopt: Whether to adopt those that were made by hand, and not to look at them else.

        Raises:
            SourceError: There are no such tables.
        """
        adopted = await project.adopt(prefix, [METADATA, *target_of]) if adopt else []
        sizes = await project.parts(prefix)
        there = adopted or [part.collection for part in sizes if part.prefix == prefix]
        found = {name: target_of[name] for name in there if name in target_of}
        if not found:
            raise SourceError(
                f"There are no tables of Parlant's stores under the prefix {prefix}; they would be "
                f"named like {prefix}events"
                + ("." if adopt else ", and those made by hand are not adopted in a dry run.")
            )
        if prefix in found.values():
            raise SourceError(
                f"The tables under the prefix {prefix} are already those that the documents would "
                "be imported to."
            )
        targets = set(found.values())
        if METADATA in there and len(targets) == 1:
            found[METADATA] = targets.pop()
        tables = cls(project, prefix, found)
        tables.total = sum(sizes.get(part, 0) for part in tables._target_of)
        if METADATA in there and METADATA not in found:
            tables.notes.append(
                f"{prefix}metadata: it is several stores' at once, so each begins with its own"
            )
        return tables

    async def records(self) -> AsyncIterator[Record]:
        """The documents, collection by collection."""
        parts = sorted(self._target_of, key=lambda part: part.collection != METADATA)
        for part in parts:
            async for page in self._project.pages(part):
                for record in page:
                    yield replace(record, part=self._target_of[part])
