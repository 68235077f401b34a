"""Parlant's context variables, their tags and values, one request per operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from parlant.core.common import (
    IdGenerator,
    ItemNotFoundError,
    JSONSerializable,
    UniqueId,
    md5_checksum,
)
from parlant.core.context_variables import (
    ContextVariable,
    ContextVariableDocumentStore,
    ContextVariableId,
    ContextVariableUpdateParams,
    ContextVariableValue,
    _ContextVariableValueDocument,
)
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from typing_extensions import Self, override

from parlant_supabase.database import SupabaseDocumentDatabase, connection_of
from parlant_supabase.errors import DuplicateDocumentError
from parlant_supabase.rpc.functions import (
    ADD_VARIABLE_TAG,
    CREATE_VARIABLE,
    DELETE_VARIABLE,
    LIST_VARIABLES,
    READ_VARIABLE,
    REMOVE_VARIABLE_TAG,
    UPDATE_VARIABLE,
)
from parlant_supabase.rpc.replies import (
    CreatedTaggedReply,
    TaggedDocument,
    TaggedReply,
    UntaggedReply,
)
from parlant_supabase.stores.ids import MAX_ID_ATTEMPTS, id_is_taken, no_free_id
from parlant_supabase.stores.locking import DatabaseLock
from parlant_supabase.stores.opening import opening
from parlant_supabase.stores.reading import (
    VALUE,
    VARIABLE,
    UnreadableDocumentError,
    read,
    readable,
)

_Tagged = CreatedTaggedReply | TaggedDocument | TaggedReply | UntaggedReply


class SupabaseContextVariableStore(ContextVariableDocumentStore):
    """Context variables, their tags and values in a Supabase project.

    It keeps the documents that Parlant's `ContextVariableDocumentStore` would keep there, so either
    opens what the other wrote. Every method is one request and one transaction, also where
    Parlant's store makes one for each variable, tag or value.

    A restarted application that creates its variables again finds them, with the values that they
    have and whatever was changed in them, if the `id_generator` derives ids from content, as
    Parlant's own does. Where such an id belongs to another variable or value, the next one is
    taken, at the cost of one more request.

    Parlant's store forgets a variable's freshness rules whenever an update does not mention them,
    and cannot take its tool away; this one changes what the update mentions.

    Args:
        id_generator: Makes the ids of variables, tags and values.
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
        super().__init__(id_generator, database, allow_migration)
        self._supabase = database
        self._connection = connection_of(database)
        self._lock = DatabaseLock()

    @override
    async def __aenter__(self) -> Self:
        collections = ("variables", "variable_tag_associations", "values")
        async with opening(self._supabase, collections, self.VERSION) as database:
            self._database = database
            await super().__aenter__()
        self._database = self._supabase
        return self

    @override
    async def create_variable(
        self,
        name: str,
        description: str | None = None,
        creation_utc: datetime | None = None,
        tool_id: ToolId | None = None,
        freshness_rules: str | None = None,
        tags: Sequence[TagId] | None = None,
    ) -> ContextVariable:
        checksum = md5_checksum(f"{name}{description}{tool_id}{freshness_rules}{tags}")
        for _ in range(MAX_ID_ATTEMPTS):
            variable = ContextVariable(
                id=ContextVariableId(self._id_generator.generate(checksum)),
                name=name,
                description=description,
                creation_utc=creation_utc or datetime.now(timezone.utc),
                tool_id=tool_id,
                freshness_rules=freshness_rules,
                tags=tags or [],
            )
            try:
                reply = await self._connection.call(
                    CREATE_VARIABLE,
                    p_variable=self._serialize_context_variable(variable),
                    p_associations=[
                        self._association(variable.id, tag_id, datetime.now(timezone.utc))
                        for tag_id in variable.tags
                    ],
                )
            except DuplicateDocumentError as error:
                if not id_is_taken(error):
                    raise
                continue
            return variable if reply["created"] else self._variable(variable.id, reply)
        raise no_free_id("a variable")

    @override
    async def update_variable(
        self, variable_id: ContextVariableId, params: ContextVariableUpdateParams
    ) -> ContextVariable:
        document: dict[str, str | None] = {}
        if "name" in params:
            document["name"] = params["name"]
        if "description" in params:
            document["description"] = params["description"]
        if "tool_id" in params:
            document["tool_id"] = params["tool_id"].to_string() if params["tool_id"] else None
        if "freshness_rules" in params:
            document["freshness_rules"] = params["freshness_rules"] or None
        reply = await self._connection.call(
            UPDATE_VARIABLE, p_variable_id=variable_id, p_params=document
        )
        return self._variable(variable_id, reply)

    @override
    async def delete_variable(self, variable_id: ContextVariableId) -> None:
        reply = await self._connection.call(DELETE_VARIABLE, p_variable_id=variable_id)
        if not reply["deleted"]:
            raise ItemNotFoundError(item_id=UniqueId(variable_id))

    @override
    async def list_variables(
        self, tags: Sequence[TagId] | None = None
    ) -> Sequence[ContextVariable]:
        reply = await self._connection.call(
            LIST_VARIABLES, p_tags=None if tags is None else list(tags)
        )
        return readable(reply["items"], self._read_variable)

    @override
    async def read_variable(self, variable_id: ContextVariableId) -> ContextVariable:
        reply = await self._connection.call(READ_VARIABLE, p_variable_id=variable_id)
        return self._variable(variable_id, reply)

    @override
    async def update_value(
        self, variable_id: ContextVariableId, key: str, data: JSONSerializable
    ) -> ContextVariableValue:
        for _ in range(MAX_ID_ATTEMPTS):
            try:
                return await super().update_value(variable_id, key, data)
            except DuplicateDocumentError as error:
                # Parlant takes the next id of the same content when it is asked again.
                if not id_is_taken(error):
                    raise
        raise no_free_id("a value")

    @override
    async def read_value(
        self, variable_id: ContextVariableId, key: str
    ) -> ContextVariableValue | None:
        try:
            return await super().read_value(variable_id, key)
        except UnreadableDocumentError:
            # The engine asks for every variable in every turn.
            return None

    @override
    async def list_values(
        self, variable_id: ContextVariableId
    ) -> Sequence[tuple[str, ContextVariableValue]]:
        documents = await self._value_collection.find({"variable_id": {"$eq": variable_id}})
        return readable(
            documents, lambda each: (each["key"], self._deserialize_context_variable_value(each))
        )

    @override
    async def add_variable_tag(
        self,
        variable_id: ContextVariableId,
        tag_id: TagId,
        creation_utc: datetime | None = None,
    ) -> ContextVariable:
        reply = await self._connection.call(
            ADD_VARIABLE_TAG,
            p_association=self._association(
                variable_id, tag_id, creation_utc or datetime.now(timezone.utc)
            ),
        )
        return self._variable(variable_id, reply)

    @override
    async def remove_variable_tag(
        self, variable_id: ContextVariableId, tag_id: TagId
    ) -> ContextVariable:
        reply = await self._connection.call(
            REMOVE_VARIABLE_TAG, p_variable_id=variable_id, p_tag_id=tag_id
        )
        if not reply["removed"]:
            raise ItemNotFoundError(item_id=UniqueId(tag_id))
        return self._variable(variable_id, reply)

    def _association(
        self, variable_id: ContextVariableId, tag_id: TagId, creation_utc: datetime
    ) -> dict[str, str]:
        return {
            "id": self._id_generator.generate(md5_checksum(f"{variable_id}{tag_id}")),
            "version": self.VERSION.to_string(),
            "creation_utc": creation_utc.isoformat(),
            "variable_id": variable_id,
            "tag_id": tag_id,
        }

    def _variable(
        self,
        variable_id: ContextVariableId,
        reply: _Tagged,
    ) -> ContextVariable:
        if reply["document"] is None:
            raise ItemNotFoundError(item_id=UniqueId(variable_id))
        return self._read_variable(reply)

    def _read_variable(self, item: _Tagged) -> ContextVariable:
        def build(document: Any) -> ContextVariable:
            return ContextVariable(
                id=ContextVariableId(document["id"]),
                name=document["name"],
                description=document.get("description"),
                creation_utc=datetime.fromisoformat(document["creation_utc"]),
                tool_id=ToolId.from_string(document["tool_id"]) if document["tool_id"] else None,
                freshness_rules=document["freshness_rules"],
                tags=[TagId(tag_id) for tag_id in item["tags"]],
            )

        return read(self._connection, "variables", VARIABLE, item["document"], build)

    @override
    def _deserialize_context_variable_value(
        self, context_variable_value_document: _ContextVariableValueDocument
    ) -> ContextVariableValue:
        return read(
            self._connection,
            "values",
            VALUE,
            context_variable_value_document,
            super()._deserialize_context_variable_value,
        )
