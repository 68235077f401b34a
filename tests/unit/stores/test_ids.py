"""Ids stay the same whatever hash the installed Parlant has."""

from __future__ import annotations

import hashlib
import string
from typing import Any

import parlant.core.common as parlant_common
import pytest
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableId
from parlant.core.customers import CustomerDocumentStore, CustomerId
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from parlant_supabase import DuplicateDocumentError
from parlant_supabase.stores import RandomIdGenerator
from parlant_supabase.stores.ids import (
    ContentIdGenerator,
    checksum_of,
    id_is_taken,
    no_free_id,
    random_id,
    stable_generator,
)

from tests.unit.stores.fake_rpc import FakeRpc, store_of

# What Parlant 3.3.2 gives for the checksum `c`.
KNOWN = ["KYpmTzVuMQ", "yvkzTKEyWg"]

CONTENTS = ["", "Ann", "planNoneNoneNone['t']", "ä😀", "x" * 10_000]


@pytest.mark.parametrize("content", CONTENTS)
def test_that_checksums_and_ids_are_those_of_parlant_3_3(content: str) -> None:
    ours, parlants = ContentIdGenerator(), IdGenerator()

    assert checksum_of(content) == parlant_common.md5_checksum(content)
    for _ in range(300):
        assert ours.generate(checksum_of(content)) == parlants.generate(checksum_of(content))


def test_that_each_content_is_counted_by_itself() -> None:
    generator = ContentIdGenerator()
    first = generator.generate("a")

    assert generator.generate("b") == ContentIdGenerator().generate("b")
    assert generator.generate("a") != first


def test_that_ids_are_those_that_are_stored_already() -> None:
    generator = ContentIdGenerator()

    assert checksum_of("Ann{}None") == "9a4b1dc3097499ff632c8fd7f9796a40"
    assert [generator.generate("c") for _ in range(2)] == KNOWN


def test_that_a_lone_surrogate_has_a_checksum() -> None:
    assert checksum_of("\ud800") != checksum_of("?")


def test_that_a_random_id_is_ten_letters_and_digits() -> None:
    ids = {random_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert {len(each) for each in ids} == {10}
    assert set("".join(ids)) == set(string.ascii_letters + string.digits)


def test_that_a_random_generator_does_not_look_at_the_content() -> None:
    generator = RandomIdGenerator()

    assert generator.generate("c") != generator.generate("c")
    assert len(generator.generate("c")) == 10


def test_that_only_parlants_own_generator_is_replaced() -> None:
    class Own(IdGenerator):
        pass

    own, random = Own(), RandomIdGenerator()

    assert stable_generator(own) is own
    assert stable_generator(random) is random
    assert isinstance(stable_generator(IdGenerator()), ContentIdGenerator)


def test_that_a_taken_id_is_told_from_a_users_unique_index() -> None:
    assert id_is_taken(DuplicateDocumentError("taken"))
    assert not id_is_taken(DuplicateDocumentError("taken", code="23505"))


def test_that_what_could_not_be_created_is_named() -> None:
    error = no_free_id("a customer")

    assert str(error) == (
        "creating a customer: all 10 generated ids are already taken; nothing was written. "
        "Use an id_generator that gives new ids, such as RandomIdGenerator."
    )
    assert id_is_taken(error)


async def ids_that_are_stored() -> list[Any]:
    """The ids that stores with Parlant's own generator give to a variable, a value and tags."""
    rpc = FakeRpc()
    rpc.answer("create_variable", {"created": True, "document": {}, "tags": []})
    rpc.answer("upsert_customer_tag", {"inserted": True})
    rpc.answer("update_one", {"matched_count": 0, "modified_count": 0, "updated_document": {}})
    variables = store_of(ContextVariableDocumentStore, rpc)
    customers = store_of(CustomerDocumentStore, rpc)
    await variables.create_variable(
        "plan",
        "what",
        tool_id=ToolId("svc", "tool"),
        freshness_rules="* * * * *",
        tags=[TagId("t")],
    )
    await variables.update_value(ContextVariableId("v"), "k", {"a": 1})
    await customers.upsert_tag(CustomerId("c"), TagId("t"))
    return [
        arguments[name]["id"] if "id" in arguments[name] else arguments[name]
        for _, arguments in rpc.calls
        for name in ("p_variable", "p_params", "p_association")
        if name in arguments
    ] + [[tag["id"] for tag in rpc.calls[0][1]["p_associations"]]]


async def test_that_another_hash_of_parlants_changes_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = await ids_that_are_stored()

    def other_hash(self: IdGenerator, unique_str: str, size: int = 10) -> str:
        return hashlib.sha256(unique_str.encode()).hexdigest()[:size]

    monkeypatch.setattr(IdGenerator, "_generate_deterministic_id", other_hash)
    for module in ("common", "context_variables", "customers"):
        monkeypatch.delattr(f"parlant.core.{module}.md5_checksum")

    assert IdGenerator().generate("c") != KNOWN[0]
    assert await ids_that_are_stored() == before
