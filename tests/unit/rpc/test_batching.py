"""Which calls share a request, and what each of them gets from it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from parlant_supabase.errors import (
    AuthenticationError,
    DuplicateDocumentError,
    InvalidArgumentError,
    InvalidFilterError,
    NotOpenError,
    OutcomeUnknownError,
    StatementTimeoutError,
    SupabaseAdapterError,
    UnavailableError,
    UnexpectedReplyError,
    UnreachableError,
)
from parlant_supabase.rpc import batching
from parlant_supabase.rpc.batching import Batcher
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.functions import (
    CREATE_COLLECTION,
    DELETE_ONE,
    EXECUTE,
    FIND,
    INSERT_ONE,
    UPDATE_ONE,
    Function,
)

from tests.unit.rpc.fakes import FakeSend, call, failure, page, settle

INSERTED = {"acknowledged": True, "inserted": True}


@pytest.fixture
def send() -> FakeSend:
    return FakeSend()


@pytest.fixture
async def batcher(send: FakeSend) -> Batcher:
    """A batcher with one slot."""
    batcher = Batcher(send, 1)
    batcher.open()
    return batcher


@pytest.fixture
async def busy(batcher: Batcher, send: FakeSend) -> asyncio.Task[Any]:
    """The call that has the slot; its request is the first."""
    task = asyncio.create_task(batcher.send(call(99)))
    await settle()
    return task


def make(batcher: Batcher, *calls: Call) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(batcher.send(each)) for each in calls]


async def release(send: FakeSend) -> None:
    """Ends the first request."""
    send.requests[0].answer.set_result(page(99))
    await settle()


async def outcomes(tasks: list[asyncio.Task[Any]]) -> list[Any]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


# What shares a request.


async def test_that_a_call_that_finds_a_slot_is_sent_as_itself(
    batcher: Batcher, send: FakeSend
) -> None:
    made = call(1, timeout=60, attempt_timeout=30)
    [task] = make(batcher, made)
    await settle()
    [request] = send.requests
    request.answer.set_result(page(1))

    assert (request.function, request.arguments) == (FIND, made.arguments)
    assert made.deadline - 30 <= request.deadline < made.deadline
    assert await task == page(1)


async def test_that_a_request_ends_at_the_deadline_of_its_call(
    batcher: Batcher, send: FakeSend
) -> None:
    made = call(1, timeout=20, attempt_timeout=30)
    make(batcher, made)
    await settle()

    assert send.requests[0].deadline == made.deadline


async def test_that_no_more_requests_than_slots_are_in_flight(send: FakeSend) -> None:
    batcher = Batcher(send, 3)
    batcher.open()
    make(batcher, *(call(number) for number in range(5)))
    await settle()
    assert len(send.requests) == 3

    send.requests[0].answer.set_result(page(0))
    await settle()
    assert len(send.requests) == 4
    assert [arguments["p_number"] for _, arguments in send.requests[3].calls] == [3, 4]


async def test_that_waiting_calls_share_a_request_grouped_by_function_and_arguments(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    tasks = make(
        batcher,
        call(1),
        call(2, INSERT_ONE),
        call(3),
        call(4, p_limit=1),
        call(5, timeout=80, attempt_timeout=40),
    )
    await settle()
    started = asyncio.get_running_loop().time()
    await release(send)
    batch = send.requests[1]

    assert batch.function is EXECUTE
    assert batch.arguments["p_calls"] == [
        {"function": "find", "arguments": [{"p_number": 1}, {"p_number": 3}, {"p_number": 5}]},
        {"function": "insert_one", "arguments": [{"p_number": 2}]},
        {"function": "find", "arguments": [{"p_number": 4, "p_limit": 1}]},
    ]
    assert batch.deadline >= started + 40
    batch.answer.set_result(
        {
            "results": [{"reply": page(n)} for n in (1, 3, 5)]
            + [{"reply": INSERTED}]
            + [{"reply": page(4)}]
        }
    )
    assert await outcomes(tasks) == [page(1), INSERTED, page(3), page(4), page(5)]


async def test_that_a_batch_has_at_most_200_calls(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    make(batcher, *(call(number) for number in range(201)))
    await settle()
    await release(send)

    assert len(send.requests[1].calls) == 200


@pytest.mark.parametrize(("characters", "together"), [(-1, 2), (0, 2), (1, 1)])
async def test_that_large_calls_are_sent_alone(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any], characters: int, together: int
) -> None:
    around = len('{"p_number": 1, "p_text": ""}')
    half = 250_000 - around
    make(batcher, call(1, p_text="x" * half), call(2, p_text="x" * (half + characters)))
    await settle()
    await release(send)

    assert len(send.requests[1].calls) == together


async def test_that_functions_that_are_never_batched_are_sent_alone(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    make(batcher, call(1), call(2, CREATE_COLLECTION), call(3))
    await settle()
    await release(send)
    assert [arguments["p_number"] for _, arguments in send.requests[1].calls] == [1, 3]

    send.requests[1].answer.set_result({"results": [{"reply": page(1)}, {"reply": page(3)}]})
    await settle()
    assert send.requests[2].function is CREATE_COLLECTION


async def test_that_one_that_goes_alone_takes_nobody_along(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    make(batcher, call(1, CREATE_COLLECTION), call(2))
    await settle()
    await release(send)

    assert send.requests[1].function is CREATE_COLLECTION


ID = {"id": {"$eq": "a"}}


@pytest.mark.parametrize(
    ("function", "arguments", "batched"),
    [
        (UPDATE_ONE, {"p_filters": ID, "p_params": {}}, True),
        (UPDATE_ONE, {"p_filters": ID, "p_params": {"id": "a"}}, True),
        (UPDATE_ONE, {"p_filters": ID, "p_params": {"id": "b"}}, False),
        (UPDATE_ONE, {"p_filters": ID, "p_params": '{"id": "b"}'}, False),
        (UPDATE_ONE, {"p_filters": {**ID, "more": {"$eq": 1}}, "p_params": {}}, True),
        (UPDATE_ONE, {"p_filters": {"id": {"$ne": "a"}}, "p_params": {}}, False),
        (UPDATE_ONE, {"p_filters": {"id": {"$eq": "a", "$ne": "b"}}, "p_params": {}}, False),
        (UPDATE_ONE, {"p_filters": {"id": "a"}, "p_params": {}}, False),
        (UPDATE_ONE, {"p_filters": {}, "p_params": {}}, False),
        (UPDATE_ONE, {"p_filters": None, "p_params": {}}, False),
        (UPDATE_ONE, {"p_params": {}}, False),
        (DELETE_ONE, {"p_filters": ID}, True),
        (DELETE_ONE, {"p_filters": {"name": {"$eq": "a"}}}, False),
        (INSERT_ONE, {}, True),
    ],
)
async def test_that_a_write_is_batched_if_its_arguments_name_what_it_writes(
    batcher: Batcher,
    send: FakeSend,
    busy: asyncio.Task[Any],
    function: Function[Any],
    arguments: dict[str, Any],
    batched: bool,
) -> None:
    make(batcher, call(1), call(2, function, **arguments))
    await settle()
    await release(send)

    assert len(send.requests[1].calls) == (2 if batched else 1)


# What each gets.


@pytest.fixture
async def batch(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> list[asyncio.Task[Any]]:
    """A read, a write that may be repeated and one that may not, in one request in flight."""
    tasks = make(
        batcher, call(1), call(2, INSERT_ONE), call(3, UPDATE_ONE, p_filters=ID, p_params={})
    )
    await settle()
    await release(send)
    return tasks


def described(error: object) -> tuple[type, str]:
    """The class of an error, and its subject."""
    assert isinstance(error, SupabaseAdapterError)
    return type(error), str(error).partition(":")[0]


async def test_that_an_error_is_that_of_one_call(
    batch: list[asyncio.Task[Any]], send: FakeSend
) -> None:
    bad = {"code": "PD001", "message": "invalid filter", "detail": "at $x", "hint": "Do not."}
    taken = {"code": "PD003", "message": "taken", "detail": None, "hint": None}
    send.requests[1].answer.set_result(
        {
            "results": [
                {"error": bad},
                {"error": taken},
                {"reply": {"matched_count": 0, "modified_count": 0, "updated_document": None}},
            ]
        }
    )
    first, second, third = await outcomes(batch)

    assert type(first) is InvalidFilterError
    assert str(first) == "call 1: invalid filter (at $x). Do not."
    assert first.code == "PD001"
    assert type(second) is DuplicateDocumentError
    assert str(second) == "call 2: taken."
    assert third["matched_count"] == 0


async def test_that_a_lost_outcome_within_a_batch_depends_on_the_function(
    batch: list[asyncio.Task[Any]], send: FakeSend
) -> None:
    gone = {"code": "40003", "message": "lost", "detail": None, "hint": None}
    send.requests[1].answer.set_result({"results": [{"error": gone}] * 3})

    assert [described(error) for error in await outcomes(batch)] == [
        (UnavailableError, "call 1"),
        (OutcomeUnknownError, "call 2"),
        (OutcomeUnknownError, "call 3"),
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {"results": []},
        {"results": [{}, {}, {}]},
        {"results": None},
        {"results": [{"reply": {}}, {"reply": None}, {"error": {}}]},
        {"results": [{"reply": page(1)}, {"reply": INSERTED}]},
        {"results": [{"reply": page(1)}] * 4},
        {"results": [1, "2", None]},
        {"results": {"0": 1}},
    ],
)
async def test_that_a_reply_without_results_is_told_to_each(
    batch: list[asyncio.Task[Any]], batcher: Batcher, send: FakeSend, reply: Any
) -> None:
    send.requests[1].answer.set_result(reply)

    assert [described(error) for error in await outcomes(batch)] == [
        (UnexpectedReplyError, "call 1"),
        (OutcomeUnknownError, "call 2"),
        (OutcomeUnknownError, "call 3"),
    ]
    make(batcher, call(4))
    await settle()
    assert len(send.requests) == 3, "the slot is free again"


async def test_that_a_lost_answer_is_one_for_each_call(
    batch: list[asyncio.Task[Any]], send: FakeSend
) -> None:
    send.requests[1].answer.set_exception(failure("504"))

    assert [described(error) for error in await outcomes(batch)] == [
        (UnavailableError, "call 1"),
        (OutcomeUnknownError, "call 2"),
        (OutcomeUnknownError, "call 3"),
    ]
    assert len(send.requests) == 2


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("PGRST301", AuthenticationError),
        ("PGRST002", UnavailableError),
        ("25006", UnavailableError),
    ],
)
async def test_that_a_refused_batch_is_refused_for_each_call(
    batch: list[asyncio.Task[Any]], send: FakeSend, code: str, error: type[Exception]
) -> None:
    send.requests[1].answer.set_exception(failure(code))

    assert [described(each) for each in await outcomes(batch)] == [
        (error, "call 1"),
        (error, "call 2"),
        (error, "call 3"),
    ]
    assert len(send.requests) == 2


async def test_that_the_calls_of_a_batch_that_was_rolled_back_are_sent_alone(
    batch: list[asyncio.Task[Any]], send: FakeSend
) -> None:
    batch[1].cancel()
    send.requests[1].answer.set_exception(failure("57014"))
    await settle()
    assert [request.function for request in send.requests[2:]] == [FIND]

    send.requests[2].answer.set_result(page(1))
    await settle()
    send.requests[3].answer.set_exception(failure("57014"))

    assert await batch[0] == page(1)
    [third] = await outcomes(batch[2:])
    assert described(third) == (StatementTimeoutError, "call 3")
    assert len(send.requests) == 4


async def test_that_calls_of_a_batch_that_was_rolled_back_at_closing_are_not_sent_again(
    batch: list[asyncio.Task[Any]], batcher: Batcher, send: FakeSend
) -> None:
    batcher.close()
    send.requests[1].answer.set_exception(failure("57014"))

    assert [described(error) for error in await outcomes(batch)] == [
        (NotOpenError, "call 1"),
        (NotOpenError, "call 2"),
        (NotOpenError, "call 3"),
    ]
    assert len(send.requests) == 2


async def test_that_an_exception_nobody_expected_is_told_to_each_and_frees_the_slot(
    batch: list[asyncio.Task[Any]], batcher: Batcher, send: FakeSend
) -> None:
    send.requests[1].answer.set_exception(TypeError("no"))
    first, *others = await outcomes(batch)

    assert str(first).startswith("call 1: the request failed in TypeError. Try again")
    assert [described(error)[0] for error in others] == [OutcomeUnknownError] * 2
    make(batcher, call(4))
    await settle()
    assert len(send.requests) == 3


async def test_that_an_argument_that_is_no_json_fails_the_call_that_has_it_and_no_other(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    tasks = make(batcher, call(1), call(2, p_sort=object()), call(3, p_sort={(1,): 2}), call(4))
    await settle()
    await release(send)
    assert [arguments["p_number"] for _, arguments in send.requests[1].calls] == [1, 4]

    send.requests[1].answer.set_result({"results": [{"reply": page(1)}, {"reply": page(4)}]})
    first, second, third, fourth = await outcomes(tasks)
    assert (first, fourth) == (page(1), page(4))
    assert described(second) == (InvalidArgumentError, "call 2")
    assert described(third) == (InvalidArgumentError, "call 3")
    assert "an argument cannot be written as JSON (Object of type object" in str(second)


# Cancelling, deadlines and closing.


async def test_that_a_call_cancelled_while_it_waits_is_not_sent(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    first, second = make(batcher, call(1), call(2))
    await settle()
    first.cancel()
    await settle()
    await release(send)

    assert send.requests[1].calls == [("find", {"p_number": 2})]
    second.cancel()


async def test_that_a_request_goes_on_without_its_caller_and_keeps_its_slot(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    busy.cancel()
    [waiting] = make(batcher, call(1))
    await settle()
    assert busy.cancelled()
    assert len(send.requests) == 1

    await release(send)
    assert len(send.requests) == 2
    waiting.cancel()


async def test_that_a_call_that_waits_past_its_deadline_was_not_sent(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    with pytest.raises(UnreachableError) as caught:
        await batcher.send(call(1, UPDATE_ONE, timeout=0.01))

    assert str(caught.value) == (
        "call 1: every connection was busy until the time was up; nothing was sent. "
        "Make fewer calls at once, or raise the timeout."
    )
    await release(send)
    assert len(send.requests) == 1


async def test_that_a_call_of_a_batch_does_not_wait_longer_than_its_own_deadline(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    write = call(1, INSERT_ONE, timeout=0.2)
    tasks = make(batcher, write, call(2))
    await settle()
    await release(send)
    [error] = await outcomes(tasks[:1])

    assert described(error) == (OutcomeUnknownError, "call 1")
    assert "no answer came back in time" in str(error)
    assert not tasks[1].done()
    tasks[1].cancel()


async def test_that_a_closed_batcher_refuses_calls(send: FakeSend) -> None:
    batcher = Batcher(send, 1)
    with pytest.raises(NotOpenError, match="call 1: the database is not open"):
        await batcher.send(call(1))

    batcher.open()
    batcher.close()
    with pytest.raises(NotOpenError, match="Use it inside `async with"):
        await batcher.send(call(1))
    assert send.requests == []


async def test_that_closing_tells_those_that_wait_that_they_were_not_sent(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    tasks = make(batcher, call(1), call(2, UPDATE_ONE))
    await settle()
    batcher.close()
    for number, error in enumerate(await outcomes(tasks), 1):
        assert described(error) == (NotOpenError, f"call {number}")
        assert "closed before the call was sent. Close it after the last call" in str(error)

    ended = asyncio.create_task(batcher.wait_for_requests())
    await settle()
    assert not ended.done()
    await release(send)
    await asyncio.wait_for(ended, 60)
    assert await busy == page(99)
    await batcher.wait_for_requests()
    assert len(send.requests) == 1


async def test_that_it_can_be_opened_again(
    batcher: Batcher, send: FakeSend, busy: asyncio.Task[Any]
) -> None:
    batcher.close()
    await release(send)
    batcher.open()
    make(batcher, call(1))
    await settle()

    assert len(send.requests) == 2


def test_that_the_limits_are_those_that_were_measured() -> None:
    assert (batching._MAX_CALLS, batching._MAX_CHARACTERS) == (200, 500_000)
