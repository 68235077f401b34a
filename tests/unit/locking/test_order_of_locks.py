"""No interleaving of any few calls ends with all of them waiting for one another."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from tests.unit.locking.model import (
    Call,
    Steps,
    Try,
    Wait,
    batch,
    by_id,
    delete_owner,
    erase,
    find_circle,
    import_documents,
    keys,
    names,
    new_id,
    owner_and_member,
    plain,
    remove_tag,
    row,
    searched,
)

# Two owners, s and t; e and f belong to s or have its name for an id.
SINGLE = {
    "by id": by_id("e"),
    "plain": plain("s"),
    "exchange of ids": new_id("e", "f"),
    "exchange back": new_id("f", "e"),
    "owner and member": owner_and_member("s", "e"),
    "owner and members": owner_and_member("t", "f", "e"),
    "searched": searched("e", "f"),
    "searched otherwise": searched("f", "e"),
    "searched, with another id": searched("e", "f", new="f"),
    "searched otherwise, with another id": searched("f", "e", new="e"),
    "remove a tag": remove_tag("s", "e", "f"),
    "delete an owner": delete_owner("s", "e", "f"),
    "erase sessions": erase(("s", "t"), "e", "f"),
    "anonymize a customer": erase(("s",), "e", "f", made="t"),
    "import": import_documents("f", "s", "e"),
}
BATCHES = {
    "members": batch(by_id("e"), by_id("f")),
    "members backwards": batch(by_id("f"), by_id("e")),
    "member and owner": batch(by_id("e"), plain("s")),
    "owners and a member": batch(owner_and_member("t", "e"), plain("s")),
    "exchange": batch(new_id("e", "f"), plain("s")),
    "search": batch(searched("e", "f"), by_id("f")),
    "search backwards": batch(searched("f", "e"), by_id("e"), plain("s")),
    "remove a tag": batch(remove_tag("s", "f", "e"), by_id("e")),
}
ALL = {**SINGLE, **{f"batch: {name}": call for name, call in BATCHES.items()}}


@pytest.mark.parametrize("name", ALL)
def test_that_no_two_calls_wait_for_each_other(name: str) -> None:
    for other in ALL:
        assert find_circle([ALL[name], ALL[other]]) is None, other


@pytest.mark.parametrize("pair", [*combinations_with_replacement(BATCHES, 2)], ids=" with ".join)
def test_that_no_call_joins_two_batches_into_a_circle(pair: tuple[str, str]) -> None:
    for other in SINGLE:
        assert find_circle([*(BATCHES[name] for name in pair), SINGLE[other]]) is None, other


def _rows(*documents: str) -> Call:
    @names()
    def call(in_batch: bool) -> Steps:
        for document in documents:
            yield Wait(row(document))

    return call


def _members_before_the_key(owner: str, member: str) -> Call:
    def call(in_batch: bool) -> Steps:
        yield Try(row(member))
        yield from keys(owner)

    return call


@pytest.mark.parametrize(
    "calls",
    [
        # What each of the rules is there for.
        [_rows("e", "f"), _rows("f", "e")],
        [batch(_rows("e"), _rows("f")), batch(by_id("f"), by_id("e"))],
        [_rows("e", "f"), delete_owner("f", "e")],
        [batch(by_id("e"), by_id("s")), _members_before_the_key("s", "e")],
    ],
    ids=[
        "rows in different orders",
        "a batch without keys",
        "an owner without its key",
        "members before the owner's key",
    ],
)
def test_that_the_model_finds_a_circle(calls: list[Call]) -> None:
    assert find_circle(calls) is not None
