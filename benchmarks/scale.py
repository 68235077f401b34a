"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Counts for every subject.

    Attributes:
        documents: Documents in the tables of the point operations.
        growth: Events in the tables whose costs are compared; ascending.
        file_documents: The most events that Parlant's JSON file is asked to hold.
        rounds: Rounds of the quick calls; the median of a ratio is taken over them.
        slow_rounds: Rounds of what takes seconds.
        calls: Calls of each contender in a round, one after another.
        many_calls: Calls of each contender in a round, 32 at a time.
        burst: Calls that are made at once.
        customers: Customers in a listing; each has two tags.
        session_events: Events of the session that is deleted.
        erased_events: Events of the customer that is erased; a multiple of 10,000, or small.
        page: Which page of 20 is read, besides the first.
        ids: Ids in a long list.
        delays: Milliseconds of delay that the network adds to a turn.
        turns: Turns of each contender with each delay.
        model_seconds: How long a language model takes for an answer.
    """

    documents: int
    growth: tuple[int, ...]
    file_documents: int
    rounds: int
    slow_rounds: int
    calls: int
    many_calls: int
    burst: int
    customers: int
    session_events: int
    erased_events: int
    page: int
    ids: int
    delays: tuple[int, ...]
    turns: int
    model_seconds: float


FULL = Scale(
    documents=1_000,
    growth=(1_000, 10_000, 100_000, 1_000_000),
    file_documents=100_000,
    rounds=20,
    slow_rounds=5,
    calls=10,
    many_calls=192,
    burst=1_000,
    customers=1_000,
    session_events=1_000,
    erased_events=100_000,
    page=10_000,
    ids=5_000,
    delays=(0, 10, 40),
    turns=7,
    model_seconds=1.0,
)

QUICK = Scale(
    documents=1_000,
    growth=(1_000, 20_000),
    file_documents=1_000,
    rounds=5,
    slow_rounds=1,
    calls=10,
    many_calls=64,
    burst=200,
    customers=200,
    session_events=100,
    erased_events=10_000,
    page=900,
    ids=1_000,
    delays=(0, 10),
    turns=2,
    model_seconds=0.2,
)

TINY = Scale(
    documents=40,
    growth=(100, 400),
    file_documents=100,
    rounds=1,
    slow_rounds=1,
    calls=2,
    many_calls=4,
    burst=5,
    customers=4,
    session_events=4,
    erased_events=100,
    page=15,
    ids=20,
    delays=(0,),
    turns=1,
    model_seconds=0.0,
)
"""For the tests: every path once, no figure worth reading."""
