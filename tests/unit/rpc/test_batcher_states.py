"""Whatever happens in whatever order, a call is answered once and a slot is never lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from parlant_supabase.errors import (
    InvalidArgumentError,
    NotOpenError,
    OutcomeUnknownError,
    SupabaseAdapterError,
)
from parlant_supabase.rpc.batching import Batcher
from parlant_supabase.rpc.functions import (
    CREATE_COLLECTION,
    EXECUTE,
    FIND,
    INSERT_ONE,
    UPDATE_ONE,
    Function,
)

from tests.unit.rpc.fakes import FakeSend, Request, call, failure, settle

FUNCTIONS: list[Function[Any]] = [FIND, INSERT_ONE, UPDATE_ONE, CREATE_COLLECTION]
REPLIES: dict[str, dict[str, Any]] = {
    "find": {"items": [], "total_count": 0, "has_more": False, "next_cursor": None},
    "insert_one": {"acknowledged": True, "inserted": True},
    "update_one": {"matched_count": 0, "modified_count": 0, "updated_document": None},
    "create_collection": {"created": True},
}
REFUSED = {"code": "PD008", "message": "no", "detail": None, "hint": None}


class BatcherMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.send = FakeSend()
        self.calls: dict[int, asyncio.Task[Any]] = {}
        self.functions: dict[int, Function[Any]] = {}
        self.unencodable: set[int] = set()
        self.cancelled_unsent: set[int] = set()
        self.rolled_back: Counter[int] = Counter()
        self.is_open = True

    @initialize(slots=st.integers(1, 3))
    def make(self, slots: int) -> None:
        self.slots = slots
        self.batcher = Batcher(self.send, slots)
        self.batcher.open()

    def run(self, *awaitables: Any) -> None:
        async def everything() -> None:
            for each in awaitables:
                await each
            await settle()

        self.loop.run_until_complete(everything())

    @property
    def in_flight(self) -> list[Request]:
        return [request for request in self.send.requests if not request.answer.done()]

    def sent(self) -> Counter[int]:
        return Counter(
            arguments["p_number"]
            for request in self.send.requests
            for _, arguments in request.calls
        )

    @rule(
        function=st.sampled_from(FUNCTIONS),
        knows_id=st.booleans(),
        kind=st.sampled_from(["small", "small", "large", "oversize", "no JSON"]),
    )
    def make_call(self, function: Function[Any], knows_id: bool, kind: str) -> None:
        number = len(self.calls)
        characters = {"large": 200_000, "oversize": 600_000}.get(kind, 1)
        value: Any = object() if kind == "no JSON" else "x" * characters
        filters = {"id": {"$eq": number}} if knows_id else {}

        async def start() -> None:
            made = call(number, function, p_value=value, p_filters=filters)
            self.calls[number] = asyncio.create_task(self.batcher.send(made))

        waits = len(self.in_flight) == self.slots
        if kind == "no JSON" and not waits:
            # One that finds a slot is the transport's to refuse.
            return
        if kind == "no JSON":
            self.unencodable.add(number)
        self.functions[number] = function
        self.run(start())

    @precondition(lambda self: any(not task.done() for task in self.calls.values()))
    @rule(data=st.data())
    def cancel_call(self, data: st.DataObject) -> None:
        waiting = [number for number, task in self.calls.items() if not task.done()]
        number = data.draw(st.sampled_from(waiting))
        if not self.sent()[number]:
            self.cancelled_unsent.add(number)
        self.calls[number].cancel()
        self.run()

    @precondition(lambda self: self.in_flight)
    @rule(
        data=st.data(),
        outcome=st.sampled_from(
            ["reply", "reply", "error", "no results", "rolled back", "lost", "refused", "bug"]
        ),
    )
    def answer(self, data: st.DataObject, outcome: str) -> None:
        request = data.draw(st.sampled_from(self.in_flight))
        numbers = [arguments["p_number"] for _, arguments in request.calls]
        if outcome == "rolled back":
            request.answer.set_exception(failure("57014"))
            if request.function is EXECUTE:
                self.rolled_back.update(numbers)
        elif outcome == "lost":
            request.answer.set_exception(failure("504"))
        elif outcome == "refused":
            request.answer.set_exception(failure("PGRST301"))
        elif outcome == "bug":
            request.answer.set_exception(TypeError("no"))
        elif request.function is not EXECUTE:
            request.answer.set_result(REPLIES[request.function.operation])
        elif outcome == "no results":
            request.answer.set_result({"results": []})
        else:
            results: list[Any] = [{"reply": REPLIES[name]} for name, _ in request.calls]
            if outcome == "error":
                results[0] = {"error": REFUSED}
            request.answer.set_result({"results": results})
        self.run()

    @precondition(lambda self: self.is_open)
    @rule()
    def close(self) -> None:
        self.is_open = False
        self.batcher.close()
        self.run()
        sent = self.sent()
        for number, task in self.calls.items():
            assert task.done() or sent[number], "a call that waits was not told of the closing"

    @precondition(lambda self: not self.is_open and not self.in_flight)
    @rule()
    def open_again(self) -> None:
        self.is_open = True
        self.run(self.batcher.wait_for_requests())
        self.batcher.open()

    @invariant()
    def slots_are_kept(self) -> None:
        assert len(self.in_flight) <= self.slots
        sent = self.sent()
        waiting = [n for n, task in self.calls.items() if not task.done() and not sent[n]]
        assert not waiting or len(self.in_flight) == self.slots, "a slot is free and a call waits"

    @invariant()
    def a_call_is_sent_once(self) -> None:
        for number, times in self.sent().items():
            assert times <= 1 + self.rolled_back[number], "carried out twice"
            assert number not in self.unencodable
            assert number not in self.cancelled_unsent

    @invariant()
    def a_call_has_an_outcome_of_its_own(self) -> None:
        for number, task in self.calls.items():
            if not task.done() or task.cancelled():
                continue
            error = task.exception()
            if error is None:
                assert task.result() == REPLIES[self.functions[number].operation]
                continue
            assert isinstance(error, SupabaseAdapterError)
            assert str(error).startswith(f"call {number}: ")
            if number in self.unencodable:
                assert isinstance(error, (InvalidArgumentError, NotOpenError))
            if not self.sent()[number]:
                assert not isinstance(error, OutcomeUnknownError)

    def teardown(self) -> None:
        while self.in_flight:
            for request in self.in_flight:
                request.answer.set_exception(failure("504"))
            self.run()
        assert all(task.done() for task in self.calls.values())
        for task in self.calls.values():
            if not task.cancelled():
                task.exception()
        self.loop.close()


TestBatcherStates = BatcherMachine.TestCase
TestBatcherStates.settings = settings(
    max_examples=50, stateful_step_count=25, deadline=None, database=None
)
