"""Pages and directions, as the SQL functions take and return them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant_supabase import InvalidArgumentError
from parlant_supabase.rpc.pagination import direction_name, next_cursor, page_arguments
from parlant_supabase.rpc.replies import CursorReply, PageReply


def page(following: CursorReply | None) -> PageReply:
    return {"items": [], "total_count": 0, "has_more": False, "next_cursor": following}


def test_that_a_page_may_be_asked_for_without_anything() -> None:
    assert page_arguments(None, None, None) == {
        "p_limit": None,
        "p_cursor": None,
        "p_sort_direction": None,
    }


def test_that_limit_cursor_and_direction_are_passed_on() -> None:
    cursor = Cursor(creation_utc="2026-01-01", id=ObjectId("a"))

    assert page_arguments(0, cursor, SortDirection.DESC) == {
        "p_limit": 0,
        "p_cursor": {"creation_utc": "2026-01-01", "id": "a"},
        "p_sort_direction": "desc",
    }


def test_that_the_next_cursor_is_read() -> None:
    following = next_cursor(page({"creation_utc": "2026-01-01", "id": "a"}))

    assert following == Cursor(creation_utc="2026-01-01", id=ObjectId("a"))
    assert next_cursor(page(None)) is None


@pytest.mark.parametrize(
    ("direction", "name"), [(SortDirection.ASC, "asc"), (SortDirection.DESC, "desc")]
)
def test_that_directions_have_names(direction: SortDirection, name: str) -> None:
    assert direction_name(direction) == name


@pytest.mark.parametrize("direction", ["asc", 1, None])
def test_that_anything_else_is_refused(direction: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        direction_name(cast("SortDirection", direction))

    assert str(caught.value) == (
        f"a sort direction must be SortDirection.ASC or SortDirection.DESC, got {direction!r}."
    )
