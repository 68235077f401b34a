"""Pages and directions, as the SQL functions take and return them."""

from __future__ import annotations

from typing import Any

from parlant.core.persistence.common import Cursor, ObjectId, SortDirection

from parlant_supabase.errors import InvalidArgumentError
from parlant_supabase.rpc.replies import PageReply, TaggedPageReply


def page_arguments(
    limit: int | None, cursor: Cursor | None, sort_direction: SortDirection | None
) -> dict[str, Any]:
    """The arguments of a function that reads a page.

    Raises:
        InvalidArgumentError: The direction is none.
    """
    return {
        "p_limit": limit,
        "p_cursor": cursor and {"creation_utc": str(cursor.creation_utc), "id": str(cursor.id)},
        "p_sort_direction": sort_direction and direction_name(sort_direction),
    }


def next_cursor(reply: PageReply | TaggedPageReply) -> Cursor | None:
    """The cursor of the next page in the reply of such a function, or None after the last one."""
    cursor = reply["next_cursor"]
    return cursor and Cursor(creation_utc=cursor["creation_utc"], id=ObjectId(cursor["id"]))


def direction_name(direction: SortDirection) -> str:
    """`asc` or `desc`.

    Raises:
        InvalidArgumentError: The direction is none.
    """
    if not isinstance(direction, SortDirection):
        raise InvalidArgumentError(
            f"a sort direction must be SortDirection.ASC or SortDirection.DESC, got {direction!r}."
        )
    return direction.name.lower()
