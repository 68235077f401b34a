"""Whatever is done to customers, the answers are those of Parlant's own store."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator, ItemNotFoundError
from parlant.core.customers import CustomerDocumentStore, CustomerId, CustomerStore
from parlant.core.persistence.common import Cursor, SortDirection
from parlant.core.tags import TagId
from parlant_supabase.stores import SupabaseStores

from tests.supabase_stores.twins import Name, Twins

LONG_AGO = datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
GUEST = CustomerStore.GUEST_ID
TAGS = [TagId("vip"), TagId("beta"), TagId("Zoë")]
STEPS = 80


@pytest.fixture
async def both(stores: SupabaseStores) -> AsyncIterator[Twins]:
    """Parlant's store on its reference database, and ours."""
    async with CustomerDocumentStore(IdGenerator(), TransientDocumentDatabase()) as reference:
        yield Twins(reference, stores["customer_store"])


async def test_that_a_customer_lives_as_in_parlant(both: Twins) -> None:
    await both("create_customer", "Ann", {"plan": "pro"}, LONG_AGO, named="ann")
    await both("create_customer", "Ann", {"plan": "pro"}, LONG_AGO + timedelta(1), named="ann2")
    await both("create_customer", "Bob", tags=["b", "a"], id=CustomerId("bob"), named="bob")
    await both("create_customer", "Bert", id=CustomerId("bob"))
    await both("create_customer", "Bob", tags=["b", "a"], id=CustomerId("bob"))
    await both("read_customer", Name("bob"))
    await both("update_customer", Name("ann"), {"name": "Anna"})
    await both("update_customer", Name("nobody"), {"name": "Anna"})
    await both("upsert_extra", Name("ann"), {"city": "Oslo", "plan": "free"})
    await both("remove_extra", Name("ann"), ["plan", "nothing"])
    await both("remove_extra", Name("ann"), [])
    await both("upsert_extra", Name("nobody"), {"k": "v"})
    assert await both("upsert_tag", Name("ann"), "vip")
    assert not await both("upsert_tag", Name("ann"), "vip")
    await both("upsert_tag", Name("nobody"), "vip")
    await both("read_customer", Name("ann"))
    await both("remove_tag", Name("ann"), "vip")
    await both("remove_tag", Name("ann"), "vip")
    await both("remove_tag", Name("nobody"), "vip")
    await both("list_customers")
    await both("list_customers", ["a", "nothing"])
    await both("list_customers", [])
    await both("list_customers", ["nothing"])
    await both("delete_customer", Name("ann"))
    await both("delete_customer", Name("ann"))
    await both("read_customer", Name("ann"))
    await both("list_customers")


async def test_that_the_guest_is_as_in_parlant(both: Twins) -> None:
    await both("read_customer", GUEST)
    await both("delete_customer", GUEST)
    await both("update_customer", GUEST, {"name": "Somebody"})
    await both("upsert_extra", GUEST, {"k": "v"})
    await both("remove_tag", GUEST, "vip")
    await both("list_customers")
    await both("list_customers", sort_direction=SortDirection.DESC)
    await both("list_customers", limit=5)


async def test_that_a_tag_given_twice_at_creation_stays_twice(both: Twins) -> None:
    await both("create_customer", "Ann", tags=["vip", "vip"], named="ann")
    await both("read_customer", Name("ann"))
    await both("remove_tag", Name("ann"), "vip")
    await both("read_customer", Name("ann"))


@pytest.mark.parametrize("seed", range(3))
async def test_that_any_history_reads_as_in_parlant(both: Twins, seed: int) -> None:
    chance = random.Random(seed)
    names = ["nobody"]
    # No two of them alike, as each store breaks a tie by ids of its own.
    moments = iter(chance.sample(range(10_000), STEPS))

    def moment() -> datetime:
        return LONG_AGO + timedelta(seconds=next(moments))

    for _ in range(STEPS):
        customer, extra = Name(chance.choice(names)), {chance.choice("ab"): chance.choice("xyz")}
        step = chance.randrange(9)
        if step < 2:
            name = f"c{len(names)}"
            tags = chance.choice([None, [], [chance.choice(TAGS)]])
            await both("create_customer", "Zoë", extra, moment(), tags, named=name)
            names.append(name)
        elif step == 2:
            await both("upsert_tag", customer, chance.choice(TAGS), moment())
        elif step == 3:
            await both("remove_tag", customer, chance.choice(TAGS))
        elif step == 4:
            await both("upsert_extra", customer, extra)
        elif step == 5:
            await both("remove_extra", customer, ["a", "c"])
        elif step == 6:
            await both("list_customers", chance.choice([None, [], TAGS[:1], TAGS[1:]]))
        elif step == 7:
            direction = chance.choice([None, *SortDirection])
            await both("list_customers", limit=chance.randint(2, 5), sort_direction=direction)
        else:
            for tag in TAGS:
                await both("remove_tag", customer, tag)
            await both("delete_customer", customer)
    for direction in SortDirection:
        await both("list_customers", sort_direction=direction)


async def test_that_two_people_of_one_name_are_two_people(stores: SupabaseStores) -> None:
    store = stores["customer_store"]

    first = await store.create_customer("Ann")
    second = await store.create_customer("Ann")

    assert first.id != second.id
    assert {c.id for c in await store.list_customers()} == {GUEST, first.id, second.id}


async def test_that_two_people_of_one_name_are_two_people_whatever_the_generator(
    stores: SupabaseStores,
) -> None:
    store = stores["customer_store"]
    # As two runs of an application would, each of which counts from one.
    store._ids = IdGenerator()
    first = await store.create_customer("Ann")
    store._ids = IdGenerator()
    second = await store.create_customer("Ann")

    assert first.id != second.id
    assert (await store.list_customers()).total_count == 3


# Where Parlant's store does not do what its interface says.


@pytest.mark.parametrize("direction", SortDirection)
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_that_pages_hold_everybody_once_and_no_more_than_their_limit(
    stores: SupabaseStores, limit: int, direction: SortDirection
) -> None:
    store = stores["customer_store"]
    created = [
        (await store.create_customer(str(n), creation_utc=LONG_AGO + timedelta(n))).id
        for n in range(6)
    ]

    pages = [await store.list_customers(limit=limit, sort_direction=direction)]
    while pages[-1].has_more:
        assert pages[-1].next_cursor is not None
        pages.append(
            await store.list_customers(
                limit=limit, cursor=pages[-1].next_cursor, sort_direction=direction
            )
        )

    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages[-1]) <= limit
    if direction == SortDirection.DESC:
        created.reverse()
    assert [customer.id for page in pages for customer in page] == [GUEST, *created]
    assert pages[-1].next_cursor is None


async def test_that_a_page_filtered_by_tags_is_not_short_of_a_guest(stores: SupabaseStores) -> None:
    store = stores["customer_store"]
    for n in range(3):
        await store.create_customer(str(n), tags=["vip"], creation_utc=LONG_AGO + timedelta(n))  # type: ignore[list-item]

    page = await store.list_customers([TagId("vip")], limit=2)

    assert [customer.name for customer in page] == ["0", "1"]
    assert page.next_cursor == Cursor((LONG_AGO + timedelta(1)).isoformat(), page.items[1].id)  # type: ignore[arg-type]


async def test_that_the_tags_of_a_deleted_customer_go_too(stores: SupabaseStores) -> None:
    store = stores["customer_store"]
    await store.create_customer("Ann", tags=[TagId("vip")], id=CustomerId("c"))
    await store.delete_customer(CustomerId("c"))

    again = await store.create_customer("Bob", id=CustomerId("c"))

    assert (await store.read_customer(again.id)).tags == []


@pytest.mark.parametrize("customer_id", [GUEST, CustomerId("nobody")])
async def test_that_a_tag_for_nobody_is_not_kept(
    stores: SupabaseStores, customer_id: CustomerId
) -> None:
    store = stores["customer_store"]
    with pytest.raises(ItemNotFoundError):
        await store.upsert_tag(customer_id, TagId("vip"))

    await store.create_customer("Ann", id=customer_id)

    assert not [c for c in await store.list_customers([TagId("vip")]) if c.name == "Ann"]


async def test_that_an_update_of_nothing_changes_nothing(stores: SupabaseStores) -> None:
    store = stores["customer_store"]
    customer = await store.create_customer("Ann", {"k": "v"}, LONG_AGO)

    assert await store.update_customer(customer.id, {}) == customer
