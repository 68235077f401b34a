"""Parlant's customers and their tags, one request per operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from parlant.core.common import IdGenerator, ItemNotFoundError, UniqueId
from parlant.core.customers import (
    Customer,
    CustomerDocumentStore,
    CustomerId,
    CustomerListing,
    CustomerUpdateParams,
)
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.tags import TagId
from typing_extensions import override

from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.errors import DuplicateDocumentError
from parlant_supabase.parlant_internals import customer_document
from parlant_supabase.rpc.functions import (
    CREATE_CUSTOMER,
    DELETE_CUSTOMER,
    LIST_CUSTOMERS,
    READ_CUSTOMER,
    REMOVE_CUSTOMER_TAG,
    UPDATE_CUSTOMER,
    UPSERT_CUSTOMER_TAG,
)
from parlant_supabase.rpc.pagination import next_cursor, page_arguments
from parlant_supabase.rpc.replies import TaggedDocument, TaggedReply, UntaggedReply
from parlant_supabase.store_layout import CUSTOMERS
from parlant_supabase.stores.ids import (
    MAX_ID_ATTEMPTS,
    checksum_of,
    id_is_taken,
    no_free_id,
    stable_generator,
)
from parlant_supabase.stores.reading import CUSTOMER, read, readable
from parlant_supabase.stores.store import SupabaseStore
from parlant_supabase.stores.turn_snapshot import Part, known_customer, writing

_Tagged = TaggedDocument | TaggedReply | UntaggedReply

# Before whatever creation_utc a customer has, in the direction of the sort.
_BEFORE_ALL = {SortDirection.ASC: "", SortDirection.DESC: "~"}


class SupabaseCustomerStore(SupabaseStore, CustomerDocumentStore):
    """Customers and their tags in a Supabase project.

    It keeps the documents that Parlant's `CustomerDocumentStore` would keep there, so either opens
    what the other wrote. Every method is one request and one transaction, also where Parlant's
    store makes one for each customer, and reading the guest is none.

    In these points it does what the interface promises and Parlant's store does not: a page after a
    cursor keeps to its limit, a page of one holds a cursor to the next, a page filtered by tags is
    not one short for a guest who is not on it, a customer's tags go with the customer, a tag is
    not kept for a customer who does not exist, and an update without a name changes nothing.

    Args:
        id_generator: Makes the ids of customers; see `RandomIdGenerator`.
        database: Where the documents are; the caller opens and closes it.
        allow_migration: Whether documents of an older version of Parlant may be brought to this
            one's when the store is opened.
    """

    def __init__(
        self,
        id_generator: IdGenerator,
        database: SupabaseDocumentDatabase,
        allow_migration: bool = False,
    ) -> None:
        SupabaseStore.__init__(self, CUSTOMERS, database)
        self._ids = stable_generator(id_generator)
        CustomerDocumentStore.__init__(self, self._ids, self._opening, allow_migration)

    @override
    async def create_customer(
        self,
        name: str,
        extra: Mapping[str, str] = {},
        creation_utc: datetime | None = None,
        tags: Sequence[TagId] | None = None,
        id: CustomerId | None = None,
    ) -> Customer:
        checksum = checksum_of(f"{name}{extra}{tags}")
        for _ in range(MAX_ID_ATTEMPTS):
            customer = Customer(
                id=CustomerId(self._ids.generate(checksum)) if id is None else id,
                name=name,
                extra=extra,
                creation_utc=creation_utc or datetime.now(timezone.utc),
                tags=tags or [],
            )
            if await self._insert(customer):
                return customer
            if id is not None:
                raise ValueError(f"Customer with id '{id}' already exists")
        raise no_free_id("a customer")

    @override
    async def read_customer(self, customer_id: CustomerId) -> Customer:
        if customer_id == self.GUEST_ID:
            return self._guest()
        known = known_customer(self._connection, customer_id)
        if known is not None:
            reply = known
        else:
            reply = await self._connection.call(READ_CUSTOMER, p_customer_id=customer_id)
        return self._customer(customer_id, reply)

    @override
    async def update_customer(
        self, customer_id: CustomerId, params: CustomerUpdateParams
    ) -> Customer:
        return await self._update(
            customer_id, p_params={"name": params["name"]} if "name" in params else {}
        )

    @override
    async def list_customers(
        self,
        tags: Sequence[TagId] | None = None,
        limit: int | None = None,
        cursor: Cursor | None = None,
        sort_direction: SortDirection | None = None,
    ) -> CustomerListing:
        has_guest = tags is None and cursor is None and limit != 0
        guests = [self._guest()] if has_guest else []
        reply = await self._connection.call(
            LIST_CUSTOMERS,
            p_tags=None if tags is None else list(tags),
            **page_arguments(
                limit if limit is None else limit - len(guests), cursor, sort_direction
            ),
        )
        if tags and cursor is None and reply["total_count"] == 0:
            # As Parlant has it: where nobody has the tags, there is the guest.
            return CustomerListing(items=[self._guest()], total_count=1, has_more=False)
        following = next_cursor(reply)
        if has_guest and limit == 1 and reply["has_more"]:
            first = _BEFORE_ALL[sort_direction or SortDirection.ASC]
            following = Cursor(creation_utc=first, id=ObjectId(""))
        return CustomerListing(
            items=guests + readable(reply["items"], self._read_customer),
            total_count=reply["total_count"] + (1 if tags is None else 0),
            has_more=reply["has_more"],
            next_cursor=following,
        )

    @override
    async def delete_customer(self, customer_id: CustomerId) -> None:
        if customer_id == self.GUEST_ID:
            raise ValueError("Removing the guest customer is not allowed")
        with writing(Part.CUSTOMER, customer_id):
            reply = await self._connection.call(DELETE_CUSTOMER, p_customer_id=customer_id)
        if not reply["deleted"]:
            raise ItemNotFoundError(item_id=UniqueId(customer_id))

    @override
    async def upsert_tag(
        self, customer_id: CustomerId, tag_id: TagId, creation_utc: datetime | None = None
    ) -> bool:
        with writing(Part.CUSTOMER, customer_id):
            reply = await self._connection.call(
                UPSERT_CUSTOMER_TAG,
                p_association=self._association(
                    customer_id, tag_id, creation_utc or datetime.now(timezone.utc)
                ),
            )
        if reply["inserted"] is None:
            raise ItemNotFoundError(item_id=UniqueId(customer_id))
        return bool(reply["inserted"])

    @override
    async def remove_tag(self, customer_id: CustomerId, tag_id: TagId) -> None:
        with writing(Part.CUSTOMER, customer_id):
            reply = await self._connection.call(
                REMOVE_CUSTOMER_TAG, p_customer_id=customer_id, p_tag_id=tag_id
            )
        if not reply["removed"]:
            raise ItemNotFoundError(item_id=UniqueId(tag_id))
        self._customer(customer_id, reply)

    @override
    async def upsert_extra(self, customer_id: CustomerId, extra: Mapping[str, str]) -> Customer:
        return await self._update(customer_id, p_set_extra=extra)

    @override
    async def remove_extra(self, customer_id: CustomerId, keys: Sequence[str]) -> Customer:
        return await self._update(customer_id, p_unset_extra=list(keys))

    async def _insert(self, customer: Customer) -> bool:
        """Stores a customer, or tells that the id is taken."""
        try:
            with writing(Part.CUSTOMER, customer.id):
                reply = await self._connection.call(
                    CREATE_CUSTOMER,
                    p_customer=customer_document(self, customer),
                    p_associations=[
                        self._association(customer.id, tag_id, customer.creation_utc)
                        for tag_id in customer.tags
                    ],
                )
        except DuplicateDocumentError as error:
            if not id_is_taken(error):
                raise
            return False
        return bool(reply["created"])

    async def _update(self, customer_id: CustomerId, **change: Any) -> Customer:
        with writing(Part.CUSTOMER, customer_id):
            reply = await self._connection.call(
                UPDATE_CUSTOMER, p_customer_id=customer_id, **change
            )
        return self._customer(customer_id, reply)

    def _association(
        self, customer_id: CustomerId, tag_id: TagId, creation_utc: datetime
    ) -> dict[str, str]:
        return {
            "id": self._ids.generate(checksum_of(f"{customer_id}{tag_id}")),
            "version": self.VERSION.to_string(),
            "creation_utc": creation_utc.isoformat(),
            "customer_id": customer_id,
            "tag_id": tag_id,
        }

    def _customer(self, customer_id: CustomerId, reply: _Tagged) -> Customer:
        if reply["document"] is None:
            raise ItemNotFoundError(item_id=UniqueId(customer_id))
        return self._read_customer(reply)

    def _read_customer(self, item: _Tagged) -> Customer:
        def build(document: Any) -> Customer:
            return Customer(
                id=CustomerId(document["id"]),
                creation_utc=datetime.fromisoformat(document["creation_utc"]),
                name=document["name"],
                extra=document["extra"] or {},
                tags=[TagId(tag_id) for tag_id in item["tags"]],
            )

        return read(self._connection, "customers", CUSTOMER, item["document"], build)

    def _guest(self) -> Customer:
        return Customer(
            id=self.GUEST_ID,
            name="Guest",
            creation_utc=datetime.now(timezone.utc),
            extra={},
            tags=[],
        )
