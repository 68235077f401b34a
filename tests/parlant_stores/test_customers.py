"""CustomerDocumentStore through its public methods."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import pytest
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import Customer, CustomerDocumentStore, CustomerId, CustomerStore
from parlant.core.persistence.common import SortDirection
from parlant.core.tags import TagId

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
VIP, NEW = TagId("vip"), TagId("new")
GUEST = CustomerStore.GUEST_ID


def ids(customers: Iterable[Customer]) -> list[str]:
    return [customer.id for customer in customers]


async def test_that_a_customer_is_read_as_it_was_created(customers: CustomerDocumentStore) -> None:
    created = await customers.create_customer(
        "Zoë O'Hara", extra={"phone": "+49 30 1234", "": "x"}, creation_utc=NOON, tags=[VIP]
    )

    assert await customers.read_customer(created.id) == created


async def test_that_a_customer_may_bring_its_id(customers: CustomerDocumentStore) -> None:
    created = await customers.create_customer("Ann", id=CustomerId("ann"))

    assert created.id == "ann"
    with pytest.raises(ValueError, match="already exists"):
        await customers.create_customer("Another Ann", id=CustomerId("ann"))
    assert (await customers.read_customer(created.id)).name == "Ann"


async def test_that_customers_of_one_name_are_two(customers: CustomerDocumentStore) -> None:
    first = await customers.create_customer("Ann")
    second = await customers.create_customer("Ann")

    assert first.id != second.id
    assert (await customers.list_customers()).total_count == 3


async def test_that_a_name_and_extras_can_be_changed(customers: CustomerDocumentStore) -> None:
    ann = await customers.create_customer("Ann", extra={"plan": "free", "city": "Berlin"})

    await customers.update_customer(ann.id, {"name": "Anna"})
    await customers.upsert_extra(ann.id, {"plan": "pro", "lang": "de"})
    await customers.remove_extra(ann.id, ["city", "nothing"])

    anna = await customers.read_customer(ann.id)
    assert anna.name == "Anna"
    assert anna.extra == {"plan": "pro", "lang": "de"}


async def test_that_tags_are_added_once_and_removed(customers: CustomerDocumentStore) -> None:
    ann = await customers.create_customer("Ann")

    assert await customers.upsert_tag(ann.id, VIP, NOON)
    assert not await customers.upsert_tag(ann.id, VIP)
    assert await customers.upsert_tag(ann.id, NEW, NOON + timedelta(seconds=1))
    assert (await customers.read_customer(ann.id)).tags == [VIP, NEW]

    await customers.remove_tag(ann.id, VIP)
    assert (await customers.read_customer(ann.id)).tags == [NEW]
    with pytest.raises(ItemNotFoundError):
        await customers.remove_tag(ann.id, VIP)


async def test_that_a_tag_can_come_back(customers: CustomerDocumentStore) -> None:
    ann = await customers.create_customer("Ann", tags=[VIP])

    await customers.remove_tag(ann.id, VIP)
    await customers.upsert_tag(ann.id, VIP)

    assert (await customers.read_customer(ann.id)).tags == [VIP]


async def test_that_a_deleted_customer_is_gone(customers: CustomerDocumentStore) -> None:
    ann, bob = await customers.create_customer("Ann"), await customers.create_customer("Bob")

    await customers.delete_customer(ann.id)

    with pytest.raises(ItemNotFoundError):
        await customers.read_customer(ann.id)
    with pytest.raises(ItemNotFoundError):
        await customers.delete_customer(ann.id)
    assert ids(await customers.list_customers()) == [GUEST, bob.id]
    with pytest.raises(ValueError, match="guest"):
        await customers.delete_customer(GUEST)


class TestListing:
    @pytest.fixture
    async def listed(self, customers: CustomerDocumentStore) -> list[Customer]:
        """Nine customers, oldest first; several at the same time, every third without a tag."""
        created = [
            await customers.create_customer(
                f"Customer {n}",
                creation_utc=NOON + timedelta(seconds=n // 3),
                tags=[[], [VIP], [VIP, NEW]][n % 3],
            )
            for n in range(9)
        ]
        return sorted(created, key=lambda customer: (customer.creation_utc, customer.id))

    async def test_that_the_guest_comes_first(
        self, customers: CustomerDocumentStore, listed: list[Customer]
    ) -> None:
        everyone = await customers.list_customers()

        assert ids(everyone) == [GUEST, *ids(listed)]
        assert everyone.total_count == 10
        assert [set(customer.tags) for customer in everyone.items[1:]] == [
            set(customer.tags) for customer in listed
        ]

    async def test_that_customers_are_found_by_their_tags(
        self, customers: CustomerDocumentStore, listed: list[Customer]
    ) -> None:
        assert ids(await customers.list_customers(tags=[NEW])) == [
            customer.id for customer in listed if NEW in customer.tags
        ]
        assert ids(await customers.list_customers(tags=[NEW, VIP])) == [
            customer.id for customer in listed if customer.tags
        ]
        assert ids(await customers.list_customers(tags=[])) == [
            customer.id for customer in listed if not customer.tags
        ]
        assert ids(await customers.list_customers(tags=[TagId("nobody's")])) == [GUEST]

    @pytest.mark.parametrize("direction", [SortDirection.ASC, SortDirection.DESC])
    async def test_that_pages_hold_each_customer_once(
        self,
        customers: CustomerDocumentStore,
        listed: list[Customer],
        direction: SortDirection,
    ) -> None:
        first = await customers.list_customers(limit=4, sort_direction=direction)
        second = await customers.list_customers(
            limit=4, cursor=first.next_cursor, sort_direction=direction
        )

        expected = listed if direction == SortDirection.ASC else listed[::-1]
        # The guest takes a place on the first page, and Parlant passes no limit with a cursor.
        assert ids(first) == [GUEST, *ids(expected[:3])]
        assert ids(second) == ids(expected[3:])
        assert (first.has_more, second.has_more) == (True, False)

    async def test_that_a_page_of_one_is_the_guest(
        self, customers: CustomerDocumentStore, listed: list[Customer]
    ) -> None:
        page = await customers.list_customers(limit=1)

        assert ids(page) == [GUEST]
        assert page.total_count == 10
        assert page.has_more

    async def test_that_pages_may_be_filtered_by_tags(
        self, customers: CustomerDocumentStore, listed: list[Customer]
    ) -> None:
        first = await customers.list_customers(tags=[VIP], limit=3)
        rest = await customers.list_customers(tags=[VIP], cursor=first.next_cursor)

        assert ids(first) + ids(rest) == [c.id for c in listed if VIP in c.tags]
