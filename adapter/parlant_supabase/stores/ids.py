"""Ids for what the stores create."""

from __future__ import annotations

from parlant.core.common import IdGenerator, UniqueId, generate_id
from typing_extensions import override

from parlant_supabase.errors import DuplicateDocumentError

MAX_ID_ATTEMPTS = 10
"""How many ids a store tries before it gives up; each call of Parlant's generator gives another."""


class RandomIdGenerator(IdGenerator):
    """Ids that say nothing of what they identify.

    Parlant's own generator derives an id from the content and from how often the running process
    has seen that content, so the second person called Ann gets the id of the first if the
    application was restarted in between.
    """

    @override
    def generate(self, content_checksum: str) -> UniqueId:
        """A new id, whatever the checksum."""
        return generate_id()


def id_is_taken(error: DuplicateDocumentError) -> bool:
    """Whether the id was taken, and not something in a unique index of the user's."""
    return error.code == DuplicateDocumentError.sqlstate


def no_free_id(what: str) -> DuplicateDocumentError:
    """The error for a generator that keeps giving ids that are taken."""
    return DuplicateDocumentError(
        f"creating {what}: {MAX_ID_ATTEMPTS} ids in a row belong to others; nothing was written. "
        "Use an id_generator that gives new ids, such as RandomIdGenerator."
    )
