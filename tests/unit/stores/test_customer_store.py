"""What the customer store asks of the database, and what it makes of the replies."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, cast

import pytest
from parlant.core.common import ItemNotFoundError
from parlant.core.customers import CustomerDocumentStore, CustomerId, CustomerStore
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.tags import TagId
from parlant_supabase import DuplicateDocumentError, UnstorableValueError
from parlant_supabase.rpc.functions import UPDATE_CUSTOMER, Kind
from parlant_supabase.stores import SupabaseCustomerStore
from parlant_supabase.stores.ids import checksum_of

from tests.unit.stores.fake_rpc import CountingIds, FakeRpc, store_of

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
C1 = CustomerId("c1")
VIP = TagId("vip")
GUEST = CustomerStore.GUEST_ID
TAKEN = DuplicateDocumentError("another document has that id")
NOT_FOUND = r"^Item 'c1' not found$"


def document(id: str = "c1", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "version": "0.1.0",
        "creation_utc": MOMENT.isoformat(),
        "name": "Ann",
        "extra": {"a": "1"},
        **more,
    }


def tagged(found: Any = None, tags: Any = ("vip",)) -> dict[str, Any]:
    return {"document": found, "tags": [*tags]}


def page(*items: Any, total: int, cursor: Any = None, more: bool = False) -> dict[str, Any]:
    return {
        "items": [*items],
        "total_count": total,
        "has_more": more,
        "next_cursor": cursor,
    }


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def ids() -> CountingIds:
    return CountingIds()


@pytest.fixture
def store(rpc: FakeRpc, ids: CountingIds) -> SupabaseCustomerStore:
    return cast(SupabaseCustomerStore, store_of(CustomerDocumentStore, rpc, ids))


async def test_that_a_customer_is_created_with_its_tags(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseCustomerStore
) -> None:
    rpc.answer("create_customer", {"created": True})

    customer = await store.create_customer("Ann", {"a": "1"}, MOMENT, [VIP])

    assert (customer.id, customer.name, customer.extra) == ("id1", "Ann", {"a": "1"})
    assert (customer.creation_utc, customer.tags) == (MOMENT, [VIP])
    assert rpc.last == (
        "create_customer",
        {
            "p_customer": document("id1"),
            "p_associations": [
                {
                    "id": "id2",
                    "version": "0.1.0",
                    "creation_utc": MOMENT.isoformat(),
                    "customer_id": "id1",
                    "tag_id": "vip",
                }
            ],
        },
    )
    assert ids.given == [checksum_of("Ann{'a': '1'}['vip']"), checksum_of("id1vip")]


async def test_that_a_customer_may_be_created_with_a_name_alone(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseCustomerStore
) -> None:
    rpc.answer("create_customer", {"created": True})
    before = datetime.now(timezone.utc)

    customer = await store.create_customer("Ann")

    assert before <= customer.creation_utc <= datetime.now(timezone.utc)
    assert (customer.extra, customer.tags) == ({}, [])
    assert rpc.last[1]["p_associations"] == []
    assert ids.given == [checksum_of("Ann{}None")]


async def test_that_a_name_that_is_not_text_is_refused_with_its_field(
    store: SupabaseCustomerStore,
) -> None:
    with pytest.raises(UnstorableValueError, match=r"^document\['name'\] holds half of"):
        await store.create_customer("Ann \ud800")


@pytest.mark.parametrize("taken", [TAKEN, {"created": False}])
async def test_that_the_next_id_is_taken_if_one_belongs_to_somebody(
    rpc: FakeRpc, store: SupabaseCustomerStore, taken: Any
) -> None:
    rpc.answer("create_customer", *[taken] * 9, {"created": True})

    assert (await store.create_customer("Ann")).id == "id10"


@pytest.mark.parametrize("taken", [TAKEN, {"created": False}])
async def test_that_ten_ids_are_tried(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseCustomerStore, taken: Any
) -> None:
    rpc.answer("create_customer", taken)

    with pytest.raises(DuplicateDocumentError, match=r"^creating a customer: all 10"):
        await store.create_customer("Ann")
    assert len(rpc.calls) == len(ids.given) == 10


@pytest.mark.parametrize("taken", [TAKEN, {"created": False}])
async def test_that_an_id_that_is_given_is_tried_once(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseCustomerStore, taken: Any
) -> None:
    rpc.answer("create_customer", {"created": True}, taken)

    assert (await store.create_customer("Ann", id=C1)).id == "c1"
    with pytest.raises(ValueError, match=r"^Customer with id 'c1' already exists$"):
        await store.create_customer("Ann", id=C1)
    assert len(rpc.calls) == 2
    assert ids.given == []


async def test_that_a_users_unique_index_is_not_taken_for_a_taken_id(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    error = DuplicateDocumentError("somebody has that name", code="23505")
    rpc.answer("create_customer", error)

    with pytest.raises(DuplicateDocumentError) as caught:
        await store.create_customer("Ann")
    assert caught.value is error
    assert len(rpc.calls) == 1


async def test_that_a_customer_is_read(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    rpc.answer("read_customer", tagged(document()), tagged())

    customer = await store.read_customer(C1)

    assert (customer.id, customer.name, customer.creation_utc) == ("c1", "Ann", MOMENT)
    assert (customer.extra, customer.tags) == ({"a": "1"}, ["vip"])
    assert rpc.last == ("read_customer", {"p_customer_id": "c1"})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.read_customer(C1)


async def test_that_a_customer_without_extra_has_none(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    rpc.answer("read_customer", tagged(document(extra=None)))

    assert (await store.read_customer(C1)).extra == {}


async def test_that_the_guest_is_no_document(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    before = datetime.now(timezone.utc)
    guest = await store.read_customer(GUEST)

    assert (guest.id, guest.name, guest.extra, guest.tags) == (GUEST, "Guest", {}, [])
    assert before <= guest.creation_utc <= datetime.now(timezone.utc)
    with pytest.raises(ValueError, match=r"^Removing the guest customer is not allowed$"):
        await store.delete_customer(GUEST)
    assert rpc.calls == []


@pytest.mark.parametrize(
    ("method", "argument", "change"),
    [
        ("update_customer", {"name": "Anna"}, {"p_params": {"name": "Anna"}}),
        ("update_customer", {}, {"p_params": {}}),
        ("upsert_extra", {"b": "2"}, {"p_set_extra": {"b": "2"}}),
        ("remove_extra", ("a", "b"), {"p_unset_extra": ["a", "b"]}),
    ],
)
async def test_that_the_database_merges_a_change(
    rpc: FakeRpc, store: SupabaseCustomerStore, method: str, argument: Any, change: dict[str, Any]
) -> None:
    rpc.answer("update_customer", tagged(document()), tagged())

    assert (await getattr(store, method)(C1, argument)).id == "c1"
    assert rpc.last == ("update_customer", {"p_customer_id": "c1", **change})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await getattr(store, method)(C1, argument)


def test_that_an_update_of_a_customer_is_not_repeated() -> None:
    # A second one could overwrite what another server wrote between the two.
    assert UPDATE_CUSTOMER.kind is Kind.WRITE


async def test_that_the_first_page_begins_with_the_guest(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    cursor = {"creation_utc": "n", "id": "c1"}
    rpc.answer("list_customers", page(tagged(document()), total=7, cursor=cursor, more=True))

    listing = await store.list_customers(limit=2, sort_direction=SortDirection.DESC)

    assert [customer.id for customer in listing.items] == [GUEST, "c1"]
    assert (listing.total_count, listing.has_more) == (8, True)
    assert listing.next_cursor == Cursor(creation_utc="n", id=ObjectId("c1"))
    assert rpc.last == ("list_customers", {"p_limit": 1, "p_sort_direction": "desc"})


async def test_that_a_later_page_is_without_the_guest(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    rpc.answer("list_customers", page(tagged(document()), total=1))

    listing = await store.list_customers(
        limit=1, cursor=Cursor(creation_utc="b", id=ObjectId("c0"))
    )

    assert [customer.id for customer in listing.items] == ["c1"]
    assert (listing.total_count, listing.has_more, listing.next_cursor) == (2, False, None)
    assert rpc.last == (
        "list_customers",
        {"p_limit": 1, "p_cursor": {"creation_utc": "b", "id": "c0"}},
    )


async def test_that_no_limit_stays_none(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    rpc.answer("list_customers", page(total=0))

    assert [customer.id for customer in await store.list_customers()] == [GUEST]
    assert rpc.last == ("list_customers", {})


async def test_that_a_page_of_nobody_is_empty(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    rpc.answer("list_customers", page(total=7, more=True))

    listing = await store.list_customers(limit=0)

    assert (listing.items, listing.total_count, listing.has_more) == ([], 8, True)
    assert listing.next_cursor is None
    assert rpc.last == ("list_customers", {"p_limit": 0})


@pytest.mark.parametrize(
    ("direction", "first"),
    [(None, ""), (SortDirection.ASC, ""), (SortDirection.DESC, "~")],
)
async def test_that_the_page_of_the_guest_alone_leads_to_the_first_customer(
    rpc: FakeRpc, store: SupabaseCustomerStore, direction: SortDirection | None, first: str
) -> None:
    rpc.answer("list_customers", page(total=7, more=True), page(total=0))

    listing = await store.list_customers(limit=1, sort_direction=direction)
    assert [customer.id for customer in listing.items] == [GUEST]
    assert listing.next_cursor == Cursor(creation_utc=first, id=ObjectId(""))

    assert (await store.list_customers(limit=1, sort_direction=direction)).next_cursor is None


async def test_that_customers_are_filtered_by_tags(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    rpc.answer("list_customers", page(tagged(document()), total=1))

    listing = await store.list_customers([VIP], limit=1)

    assert [customer.id for customer in listing.items] == ["c1"]
    assert listing.total_count == 1
    assert rpc.last == ("list_customers", {"p_tags": ["vip"], "p_limit": 1})


async def test_that_the_guest_stands_in_where_nobody_has_the_tags(
    rpc: FakeRpc, store: SupabaseCustomerStore
) -> None:
    rpc.answer("list_customers", page(total=0))

    listing = await store.list_customers([VIP])
    assert [customer.id for customer in listing.items] == [GUEST]
    assert (listing.total_count, listing.has_more, listing.next_cursor) == (1, False, None)

    # Not where nobody is without tags, nor on a later page.
    listing = await store.list_customers([VIP], cursor=Cursor("b", ObjectId("c0")))
    assert (listing.items, listing.total_count) == ([], 0)
    listing = await store.list_customers([])
    assert (listing.items, listing.total_count) == ([], 0)
    assert rpc.last == ("list_customers", {"p_tags": []})


async def test_that_a_customer_is_deleted(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    rpc.answer("delete_customer", {"deleted": True}, {"deleted": False})

    await store.delete_customer(C1)
    assert rpc.last == ("delete_customer", {"p_customer_id": "c1"})
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.delete_customer(C1)


async def test_that_a_tag_is_given(
    rpc: FakeRpc, ids: CountingIds, store: SupabaseCustomerStore
) -> None:
    rpc.answer("upsert_customer_tag", {"inserted": True}, {"inserted": False}, {"inserted": None})

    assert await store.upsert_tag(C1, VIP, MOMENT) is True
    assert rpc.last == (
        "upsert_customer_tag",
        {
            "p_association": {
                "id": "id1",
                "version": "0.1.0",
                "creation_utc": MOMENT.isoformat(),
                "customer_id": "c1",
                "tag_id": "vip",
            }
        },
    )
    assert ids.given == [checksum_of("c1vip")]
    before = datetime.now(timezone.utc)
    assert await store.upsert_tag(C1, VIP) is False
    given = datetime.fromisoformat(rpc.last[1]["p_association"]["creation_utc"])
    assert before <= given <= datetime.now(timezone.utc)
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.upsert_tag(C1, VIP)


async def test_that_a_tag_is_removed(rpc: FakeRpc, store: SupabaseCustomerStore) -> None:
    rpc.answer(
        "remove_customer_tag",
        {"removed": True, **tagged(document())},
        {"removed": False, **tagged(document())},
        {"removed": True, **tagged()},
    )

    await store.remove_tag(C1, VIP)
    assert rpc.last == ("remove_customer_tag", {"p_customer_id": "c1", "p_tag_id": "vip"})
    with pytest.raises(ItemNotFoundError, match=r"^Item 'vip' not found$"):
        await store.remove_tag(C1, VIP)
    with pytest.raises(ItemNotFoundError, match=NOT_FOUND):
        await store.remove_tag(C1, VIP)
