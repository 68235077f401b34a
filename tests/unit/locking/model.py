"""A model of how the SQL functions lock, small enough to explore every interleaving of a few calls.

A call is a generator of steps; the explorer sends back what each came to. It knows two kinds of
locks: the key of a document (an advisory lock) and its row (a row lock, an entry of the primary
key, or whatever else a writer of that document makes others wait for).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Wait:
    """Takes a lock, waiting for whoever holds it."""

    lock: str


@dataclass(frozen=True)
class Try:
    """Takes a lock unless somebody holds it; comes to whether it did."""

    lock: str


@dataclass(frozen=True)
class Choose:
    """Comes to True in one future and False in another."""


@dataclass(frozen=True)
class Save:
    """Begins a block that can be undone."""


@dataclass(frozen=True)
class Undo:
    """Undoes the block that was begun last: lets go of the locks taken in it."""


Step = Wait | Try | Choose | Save | Undo
Steps = Generator[Step, bool, None]
Call = Callable[[bool], Steps]
"""Makes the steps of a call; the argument says whether it is one of several in a batch."""
History = tuple[bool, ...]

_MOST_RETRIES = 2


def key(document: str) -> str:
    """The lock that stands for a document."""
    return f"key {document}"


def row(document: str) -> str:
    """The lock on a document itself."""
    return f"row {document}"


def keys(*documents: str) -> Steps:
    """lock_keys(): in one order."""
    for document in sorted(set(documents)):
        yield Wait(key(document))


def names(*documents: str) -> Callable[[Call], Call]:
    """Marks a call with the documents that its arguments name."""

    def mark(call: Call) -> Call:
        call.documents = documents  # type: ignore[attr-defined]
        return call

    return mark


def by_id(document: str) -> Call:
    """insert_one, update_one and delete_one of a document that is named."""

    @names(document)
    def call(in_batch: bool) -> Steps:
        yield from keys(document)
        yield Wait(row(document))

    return call


def plain(document: str) -> Call:
    """update_customer and others, which are one statement on one document."""

    @names(document)
    def call(in_batch: bool) -> Steps:
        yield Wait(row(document))

    return call


def new_id(old: str, new: str) -> Call:
    """update_one of a document that is named and gets another id."""

    @names(old, new)
    def call(in_batch: bool) -> Steps:
        yield from keys(old, new)
        yield Wait(row(old))
        yield Wait(row(new))

    return call


def owner_and_member(owner: str, *members: str) -> Call:
    """create_event, create_customer, insert_tag and others."""

    @names(owner, *members)
    def call(in_batch: bool) -> Steps:
        yield from keys(owner, *members)
        yield Wait(row(owner))
        for member in members:
            yield Wait(row(member))

    return call


def _search(documents: Sequence[str], new: str | None, in_batch: bool) -> Steps:
    """lock_first_match() with a filter that names no id."""
    yield Save()
    held = yield Try(row(documents[0]))
    if held and in_batch:
        held = yield Try(key(documents[0]))
    if held and new is not None:
        held = (yield Try(key(documents[0]))) and (yield Try(key(new)))
    if held:
        return
    yield Undo()
    if in_batch:
        return

    for document in list(documents) * _MOST_RETRIES:
        yield Save()
        if new is not None:
            yield from keys(document, new)
        yield Wait(row(document))
        # Whether it still matches.
        if (yield Choose()):
            return
        yield Undo()


def searched(*documents: str, new: str | None = None) -> Call:
    """update_one and delete_one of the first of several documents that match, or upserts."""

    @names(*([new] if new is not None else []))
    def call(in_batch: bool) -> Steps:
        yield from _search(documents, new, in_batch)
        if new is not None:
            yield Wait(row(new))

    return call


def remove_tag(owner: str, *members: str) -> Call:
    """remove_customer_tag and remove_variable_tag."""

    @names(owner)
    def call(in_batch: bool) -> Steps:
        yield from keys(owner)
        yield Wait(row(owner))
        yield from _search(members, None, in_batch)

    return call


def delete_owner(owner: str, *members: str) -> Call:
    """delete_session, delete_customer and delete_variable: never in a batch."""

    def call(in_batch: bool) -> Steps:
        yield from keys(owner)
        yield Wait(row(owner))
        for _ in range(_MOST_RETRIES):
            yield Save()
            held = None
            for member in members:
                if not (yield Try(row(member))):
                    held = member
                    break
            if held is None:
                return
            yield Undo()
            yield Save()
            yield Wait(row(held))
            yield Undo()

    return call


def erase(owners: Sequence[str], *members: str, made: str | None = None) -> Call:
    """erase_session, erase_customer and anonymize_customer, which makes another owner first."""

    def call(in_batch: bool) -> Steps:
        yield from keys(*owners, *([made] if made is not None else []))
        if made is not None:
            yield Wait(row(made))
        held = None
        written = False
        for member in members:
            if (yield Try(row(member))):
                written = True
            else:
                held = member
        if held is None:
            for owner in owners:
                yield Wait(row(owner))
        elif not written:
            yield Wait(row(held))

    return call


def import_documents(*documents: str) -> Call:
    """import_documents and restore_failed_documents, in the order of their argument."""

    def call(in_batch: bool) -> Steps:
        yield from keys(*documents)
        for document in documents:
            yield Wait(row(document))

    return call


def batch(*calls: Call) -> Call:
    """parlant_execute()."""

    def call(in_batch: bool) -> Steps:
        yield from keys(*(document for each in calls for document in each.documents))  # type: ignore[attr-defined]
        for each in calls:
            yield from each(True)

    return call


def find_circle(calls: Sequence[Call]) -> list[Step] | None:
    """What the calls wait for at the end of some interleaving in which none can go on.

    Returns:
        None if there is no such interleaving.
    """
    step_after = [_stepper(call) for call in calls]
    start: tuple[History, ...] = tuple(() for _ in calls)
    seen = {start}
    pending = [start]
    while pending:
        state = pending.pop()
        steps = [step(history) for step, history in zip(step_after, state, strict=True)]
        held = [
            _held(step, history) if next_step is not None else frozenset()
            for step, history, next_step in zip(step_after, state, steps, strict=True)
        ]
        moved = False
        for position, step in enumerate(steps):
            if step is None:
                continue
            others = frozenset().union(*held[:position], *held[position + 1 :])
            for outcome in _outcomes(step, others):
                moved = True
                after = (*state[:position], (*state[position], outcome), *state[position + 1 :])
                if after not in seen:
                    seen.add(after)
                    pending.append(after)
        waiting = [step for step in steps if step is not None]
        if waiting and not moved:
            return waiting
    return None


def _outcomes(step: Step, held_by_others: frozenset[str]) -> tuple[bool, ...]:
    match step:
        case Wait(lock):
            return () if lock in held_by_others else (True,)
        case Try(lock):
            return (lock not in held_by_others,)
        case Choose():
            return (True, False)
        case _:
            return (True,)


def _stepper(call: Call) -> Callable[[History], Step | None]:
    """The step that follows a history, None at the end."""

    @cache
    def step(history: History) -> Step | None:
        steps = call(False)
        try:
            current = next(steps)
            for outcome in history:
                current = steps.send(outcome)
        except StopIteration:
            return None
        return current

    return step


def _held(step_after: Callable[[History], Step | None], history: History) -> frozenset[str]:
    held: list[str] = []
    saved: list[int] = []
    for position, outcome in enumerate(history):
        match step_after(history[:position]):
            case Wait(lock) | Try(lock):
                if outcome:
                    held.append(lock)
            case Save():
                saved.append(len(held))
            case Undo():
                del held[saved.pop() :]
            case _:
                pass
    return frozenset(held)
