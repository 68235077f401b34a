"""Bounded calls until nothing is left, or until nothing moves."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import anyio
import pytest
from parlant_supabase.customer_data.erasure import Erasure
from parlant_supabase.customer_data.errors import CustomerDataError
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.store_layout import StorePrefixes


class Replies:
    """Answers calls with replies in turn, the last one for ever."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = list(replies)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def call(self, function: Any, arguments: dict[str, Any], subject: str) -> Any:
        self.calls.append((function.name, arguments))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def erasure_with(replies: Replies) -> Erasure:
    return Erasure(cast("RpcClient", replies), StorePrefixes("s_", "c_", "v_"))


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, which take no time."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)
    return pauses


async def test_that_calls_are_made_until_all_is_done(pauses: list[float]) -> None:
    replies = Replies(
        {"erased": {"events": 2, "sessions": 0}, "done": False},
        {"erased": {"events": 1, "sessions": 1}, "done": True},
    )
    rows: list[int] = []

    erased = await erasure_with(replies).erase_session("s1", rows.append, idle_since="2026")

    assert erased == Counter(events=3, sessions=1)
    assert rows == [2, 2]
    assert (
        replies.calls
        == [
            (
                "parlant_erase_session",
                {"p_prefix": "s_", "p_session_id": "s1", "p_idle_since": "2026"},
            )
        ]
        * 2
    )
    assert pauses == []


async def test_that_rows_that_others_hold_are_waited_for(pauses: list[float]) -> None:
    replies = Replies(
        {"erased": {"events": 0}, "done": False},
        {"erased": {"events": 0}, "done": False},
        {"erased": {"events": 1}, "done": False},
        {"erased": {}, "done": True},
    )

    assert await erasure_with(replies).erase_customer("c1", lambda rows: None) == {"events": 1}
    assert pauses == [0.1, 0.2]


async def test_that_rows_that_others_keep_holding_are_an_error(pauses: list[float]) -> None:
    replies = Replies({"changed": {}, "done": False})

    with pytest.raises(CustomerDataError, match="run the command again"):
        await erasure_with(replies).anonymize_customer(
            "c1", "x", keep_messages=True, advance=lambda rows: None
        )

    assert len(replies.calls) == 60
    assert max(pauses) == 1.0


async def test_that_the_stores_are_named_by_their_prefixes() -> None:
    replies = Replies({"tables": {"events": 1}})

    assert await erasure_with(replies).count_customer("c1") == {"events": 1}
    assert await erasure_with(replies).count_session("s1") == {"events": 1}
    assert replies.calls == [
        (
            "parlant_count_customer_documents",
            {
                "p_session_prefix": "s_",
                "p_customer_prefix": "c_",
                "p_variable_prefix": "v_",
                "p_customer_id": "c1",
            },
        ),
        ("parlant_count_session_documents", {"p_prefix": "s_", "p_session_id": "s1"}),
    ]
