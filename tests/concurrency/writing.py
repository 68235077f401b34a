"""One process of the stress: calls every writing function at random, alone and in batches."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

Arguments = dict[str, Any]

_IDS = "abcdef"
_LISTED = ("p_added", "p_removed", "p_collections", "p_tags", "p_unset", "p_ids", "p_agent_ids")

# Met when another process has just dropped the collection, or inserted the document or its equal,
# or begun a turn.
_EXPECTED = {"PD003", "PD004", "PD005", "PD010", "23505", "42P01"}
_BUSY = "55P03"
_SCALARS = (str, bool, int, float)


class Calls:
    """Makes up calls on few documents, so that the processes meet.

    Args:
        prefix: The prefix of tables that exist: the three stores' and a collection `documents`.
        choice: Where chance comes from.
    """

    def __init__(self, prefix: str, choice: random.Random) -> None:
        self._prefix = prefix
        self._choice = choice
        self.together: dict[str, Callable[[], Arguments]] = {
            "insert_one": self._insert_one,
            "update_one": self._update_one,
            "delete_one": self._delete_one,
            "create_event": lambda: {
                "p_event": self._event(),
                **self._choice.choice(
                    [{}, {"p_turn": self._turn()}, {"p_turn": {**self._turn(), "step": "asks"}}]
                ),
            },
            "create_events": lambda: {
                "p_session_id": self._id(),
                "p_events": [{"id": f"{self._id()}{id}", "kind": "status"} for id in self._some()],
                **self._choice.choice([{}, {"p_turn": self._turn()}]),
            },
            "update_session": lambda: {
                "p_session_id": self._id(),
                "p_params": {"title": self._id()},
                "p_turn": self._turn(),
            },
            "update_session_labels": lambda: {
                "p_session_id": self._id(),
                "p_added": [self._id()],
                "p_removed": [self._id()],
            },
            "update_session_metadata": lambda: {
                "p_session_id": self._id(),
                "p_set": {self._id(): 1},
            },
            "create_customer": lambda: {
                "p_customer": {"id": self._id(), "name": "c"},
                "p_associations": self._associations("customer"),
            },
            "update_customer": lambda: {"p_customer_id": self._id(), "p_params": {"n": 1}},
            "upsert_customer_tag": lambda: {"p_association": self._associations("customer")[0]},
            "remove_customer_tag": lambda: {
                "p_customer_id": self._id(),
                "p_tag_id": self._id(),
            },
            "create_variable": lambda: {
                "p_variable": {"id": self._id(), "name": "v"},
                "p_associations": self._associations("variable"),
            },
            "update_variable": lambda: {"p_variable_id": self._id(), "p_params": {"n": 1}},
            "add_variable_tag": lambda: {"p_association": self._associations("variable")[0]},
            "remove_variable_tag": lambda: {
                "p_variable_id": self._id(),
                "p_tag_id": self._id(),
            },
        }
        self.alone: dict[str, Callable[[], Arguments]] = {
            "delete_session": lambda: {"p_session_id": self._id()},
            "delete_customer": lambda: {"p_customer_id": self._id()},
            "delete_variable": lambda: {"p_variable_id": self._id()},
            "import_documents": lambda: {
                **self._collection(),
                "p_documents": [self._document() for _ in _IDS],
                "p_replace": self._choice.random() < 0.5,
            },
            "import_failed_documents": lambda: {
                "p_collection": "documents",
                "p_documents": [
                    {"id": id, "data": {"id": id, "k": id}, "reason": "rejected"}
                    for id in self._some()
                ],
            },
            "copy_unreadable_documents": lambda: {
                "p_collection": "documents",
                "p_documents": [{"id": id, "reason": "raised: x"} for id in self._some()],
            },
            "restore_failed_documents": lambda: {
                "p_collection": "documents",
                "p_documents": [{"seq": seq, "data": self._document()} for seq in self._numbers()],
                "p_version": "1",
            },
            "drop_failed_documents": lambda: {
                "p_collection": "documents",
                "p_seqs": self._numbers(),
            },
            "save_loaded_documents": lambda: {
                "p_collection": "documents",
                "p_results": [
                    {"id": id, "digest": "", "outcome": "changed", "data": self._document()}
                    for id in self._some()
                ],
            },
            "ensure_indexes": lambda: {
                **self._collection(),
                "p_indexes": [{"fields": [[self._id(), "asc"]]} for _ in range(2)],
            },
            "create_collection": lambda: {"p_collection": self._passing()},
            "delete_collection": lambda: {"p_collection": self._passing()},
            "get_or_create_collection": lambda: {"p_collection": self._passing()},
            "adopt_collections": lambda: {"p_collections": [self._passing(), self._passing()]},
            "open_store": lambda: {
                "p_collections": [self._passing(), "documents"],
                "p_version": "1",
            },
            "claim_turns": lambda: {
                "p_turn": self._id(),
                "p_agent_ids": self._some(),
                "p_lease_seconds": 0.001,
                "p_max_age_seconds": 1000.0,
                "p_max_attempts": 3,
                "p_limit": self._limit(),
            },
            "keep_turns": lambda: {
                "p_turns": [
                    {"session_id": id, "turn": self._id(), "state": "running"}
                    for id in self._some()
                ],
                "p_lease_seconds": 0.001,
            },
            "open_cache": lambda: {"p_version": "1"},
            "save_cached": lambda: {
                "p_collection": "cached_evaluations",
                "p_version": "1",
                "p_values": {id: id for id in self._some()},
            },
            "record_cache_use": lambda: {
                "p_collection": "cached_evaluations",
                "p_ids": self._some(),
                "p_hits": 1,
                "p_misses": 1,
            },
            "expire_cache": lambda: {
                "p_unused_since": "2100-01-01T00:00:00+00:00",
                "p_limit": self._limit(),
            },
            "create_views": lambda: {"p_prefix": self._prefix, **self._stores()},
            "erase_session": lambda: {
                "p_session_id": self._id(),
                "p_limit": self._limit(),
                **self._choice.choice([{}, {"p_idle_since": "2000-01-01T00:00:00+00:00"}]),
            },
            "erase_customer": lambda: {
                **self._stores(),
                "p_customer_id": self._id(),
                "p_limit": self._limit(),
            },
            "anonymize_customer": lambda: {
                **self._stores(),
                **dict(zip(("p_customer_id", "p_anonymous_id"), self._some(), strict=False)),
                "p_keep_messages": self._choice.random() < 0.5,
                "p_limit": self._limit(),
            },
            "expire_failed_documents": lambda: {
                "p_failed_since": "2100-01-01T00:00:00+00:00",
                "p_limit": self._limit(),
            },
        }

    def arguments(self, function: str) -> Arguments:
        """Arguments for one call."""
        make = self.together.get(function) or self.alone[function]
        arguments = make()
        if "p_session_prefix" in arguments:
            return arguments
        return {"p_prefix": self._prefix, **arguments}

    def _id(self) -> str:
        return self._choice.choice(_IDS)

    def _some(self) -> list[str]:
        return self._choice.sample(_IDS, 4)

    def _numbers(self) -> list[int]:
        return [self._choice.randrange(1, 200) for _ in range(6)]

    def _turn(self) -> Arguments:
        return {
            "turn": self._id(),
            "trace_id": self._id(),
            "step": self._choice.choice(["begins", "goes on", "ends"]),
            "fenced": self._choice.random() < 0.2,
            "lease_seconds": 0.01,
        }

    def _limit(self) -> int:
        return self._choice.choice([1, 3, 1000])

    def _stores(self) -> Arguments:
        kinds = ("session", "customer", "variable")
        return {f"p_{kind}_prefix": self._prefix for kind in kinds}

    def _passing(self) -> str:
        return f"passing_{self._id()}"

    def _collection(self) -> Arguments:
        names = (
            "documents",
            "documents",
            "events",
            "sessions",
            "customer_tag_associations",
            "values",
        )
        return {"p_collection": self._choice.choice(names)}

    def _document(self) -> Arguments:
        return {
            "id": self._id(),
            "k": self._id(),
            "session_id": self._id(),
            "customer_id": self._id(),
            "variable_id": self._id(),
            "tag_id": self._id(),
            "version": "1",
        }

    def _event(self) -> Arguments:
        return {"id": f"{self._id()}{self._id()}", "session_id": self._id(), "kind": "message"}

    def _associations(self, kind: str) -> list[Arguments]:
        return [
            {"id": self._id(), f"{kind}_id": self._id(), "tag_id": self._id()} for _ in range(2)
        ]

    def _filters(self) -> Arguments:
        id = self._id()
        return self._choice.choice(
            [
                {"id": {"$eq": id}},
                {"id": {"$eq": id}},
                {"id": {"$eq": id}, "k": {"$ne": id}},
                {"id": {"$in": [id, self._id()]}},
                {"k": {"$eq": id}},
                {"k": {"$gte": id}},
                {"session_id": {"$eq": id}},
                {},
            ]
        )

    def _insert_one(self) -> Arguments:
        return {**self._collection(), "p_document": self._document()}

    def _update_one(self) -> Arguments:
        params = self._document() if self._choice.random() < 0.5 else {"k": self._id()}
        return {
            **self._collection(),
            "p_filters": self._filters(),
            "p_params": params,
            "p_upsert": "id" in params and self._choice.random() < 0.5,
        }

    def _delete_one(self) -> Arguments:
        return {**self._collection(), "p_filters": self._filters()}


def write(url: str, prefix: str, seed: int, seconds: float) -> tuple[Counter[str], Counter[str]]:
    """Calls writing functions until the time is up.

    Returns:
        How often each function was called, and how often each SQLSTATE came back.
    """
    choice = random.Random(seed)
    calls = Calls(prefix, choice)
    # Chance may pass one over in a short run.
    first = [*calls.together, *calls.alone]
    called: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set role service_role")
        while time.monotonic() < deadline:
            if not first and choice.random() < 0.5:
                batch = [choice.choice([*calls.together]) for _ in range(choice.randrange(2, 20))]
                called.update(batch)
                execute = Jsonb(
                    [{"function": name, "arguments": [calls.arguments(name)]} for name in batch]
                )
                row = _call(connection, errors, "parlant_execute", {"p_calls": execute})
                for result in row["results"] if row else ():
                    if "error" in result and result["error"]["code"] != _BUSY:
                        errors[result["error"]["code"]] += 1
            else:
                names = calls.together if choice.random() < 0.7 else calls.alone
                name = first.pop() if first else choice.choice([*names])
                called[name] += 1
                arguments = {
                    key: value if isinstance(value, _SCALARS) or key in _LISTED else Jsonb(value)
                    for key, value in calls.arguments(name).items()
                }
                _call(connection, errors, f"parlant_{name}", arguments)
    return called, Counter({code: n for code, n in errors.items() if code not in _EXPECTED})


def _call(
    connection: psycopg.Connection, errors: Counter[str], function: str, arguments: Arguments
) -> dict[str, Any] | None:
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    try:
        row = connection.execute(f"select public.{function}({names})", arguments).fetchone()
    except psycopg.Error as error:
        errors[error.sqlstate or "?"] += 1
        return None
    assert row is not None
    return dict(row[0])


def keep_busy(seconds: float) -> None:
    """Keeps a processor busy."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass
