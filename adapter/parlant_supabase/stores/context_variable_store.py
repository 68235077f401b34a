"""Parlant's context variables, their tags and values, one request per operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, cast

from parlant.core.common import (
    IdGenerator,
    ItemNotFoundError,
    JSONSerializable,
    UniqueId,
)
from parlant.core.context_variables import (
    ContextVariable,
    ContextVariableDocumentStore,
    ContextVariableId,
    ContextVariableUpdateParams,
    ContextVariableValue,
    ContextVariableValueId,
)
from parlant.core.persistence.document_database import BaseDocument
from parlant.core.tags import TagId
from parlant.core.tools import ToolId
from typing_extensions import override

from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.errors import DuplicateDocumentError
from parlant_supabase.parlant_internals import value_document, value_of, variable_document
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
from parlant_supabase.store_layout import CONTEXT_VARIABLES
from parlant_supabase.stores.ids import (
    MAX_ID_ATTEMPTS,
    checksum_of,
    id_is_taken,
    no_free_id,
    stable_generator,
)
from parlant_supabase.stores.reading import (
    VALUE,
    VARIABLE,
    UnreadableDocumentError,
    read,
    readable,
)
from parlant_supabase.stores.store import SupabaseStore
from parlant_supabase.stores.turn_snapshot import (
    Part,
    known_value,
    known_variable,
    known_variables,
    writing,
)

_Tagged = CreatedTaggedReply | TaggedDocument | TaggedReply | UntaggedReply


class SupabaseContextVariableStore(SupabaseStore, ContextVariableDocumentStore):
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
        SupabaseStore.__init__(self, CONTEXT_VARIABLES, database)
        self._ids = stable_generator(id_generator)
        ContextVariableDocumentStore.__init__(self, self._ids, self._opening, allow_migration)

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
        checksum = checksum_of(f"{name}{description}{tool_id}{freshness_rules}{tags}")
        for _ in range(MAX_ID_ATTEMPTS):
            variable = ContextVariable(
                id=ContextVariableId(self._ids.generate(checksum)),
                name=name,
                description=description,
                creation_utc=creation_utc or datetime.now(timezone.utc),
                tool_id=tool_id,
                freshness_rules=freshness_rules,
                tags=tags or [],
            )
            try:
                with writing(Part.VARIABLES):
                    reply = await self._connection.call(
                        CREATE_VARIABLE,
                        p_variable=variable_document(self, variable),
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
        with writing(Part.VARIABLES):
            reply = await self._connection.call(
                UPDATE_VARIABLE, p_variable_id=variable_id, p_params=document
            )
        return self._variable(variable_id, reply)

    @override
    async def delete_variable(self, variable_id: ContextVariableId) -> None:
        with writing(Part.VARIABLES), writing(Part.VALUES, variable_id):
            reply = await self._connection.call(DELETE_VARIABLE, p_variable_id=variable_id)
        if not reply["deleted"]:
            raise ItemNotFoundError(item_id=UniqueId(variable_id))

    @override
    async def list_variables(
        self, tags: Sequence[TagId] | None = None
    ) -> Sequence[ContextVariable]:
        known = None if tags is None else known_variables(self._connection, tags)
        if known is not None:
            reply = known
        else:
            reply = await self._connection.call(
                LIST_VARIABLES, p_tags=None if tags is None else list(tags)
            )
        return readable(reply["items"], self._read_variable)

    @override
    async def read_variable(self, variable_id: ContextVariableId) -> ContextVariable:
        known = known_variable(self._connection, variable_id)
        if known is not None:
            reply = known
        else:
            reply = await self._connection.call(READ_VARIABLE, p_variable_id=variable_id)
        return self._variable(variable_id, reply)

    @override
    async def update_value(
        self, variable_id: ContextVariableId, key: str, data: JSONSerializable
    ) -> ContextVariableValue:
        checksum = checksum_of(f"{variable_id}{key}{data}")
        for _ in range(MAX_ID_ATTEMPTS):
            value = ContextVariableValue(
                id=ContextVariableValueId(self._ids.generate(checksum)),
                last_modified=datetime.now(timezone.utc),
                data=data,
            )
            try:
                with writing(Part.VALUES, variable_id):
                    await self._collection("values").update_one(
                        {"variable_id": {"$eq": variable_id}, "key": {"$eq": key}},
                        cast(BaseDocument, value_document(self, value, variable_id, key)),
                        upsert=True,
                    )
            except DuplicateDocumentError as error:
                if not id_is_taken(error):
                    raise
                continue
            return value
        raise no_free_id("a value")

    @override
    async def read_value(
        self, variable_id: ContextVariableId, key: str
    ) -> ContextVariableValue | None:
        known = known_value(self._connection, variable_id, key)
        try:
            if known is None:
                return await super().read_value(variable_id, key)
            return value_of(self, known["document"]) if known["document"] else None
        except UnreadableDocumentError:
            # The engine asks for every variable in every turn.
            return None

    @override
    async def delete_value(self, variable_id: ContextVariableId, key: str) -> None:
        with writing(Part.VALUES, variable_id):
            await super().delete_value(variable_id, key)

    @override
    async def list_values(
        self, variable_id: ContextVariableId
    ) -> Sequence[tuple[str, ContextVariableValue]]:
        documents = await self._collection("values").find({"variable_id": {"$eq": variable_id}})

        def keyed(document: Any) -> tuple[str, ContextVariableValue]:
            # Read first, which checks that there is a key.
            value = value_of(self, document)
            return document["key"], value

        return readable(documents, keyed)

    @override
    async def add_variable_tag(
        self,
        variable_id: ContextVariableId,
        tag_id: TagId,
        creation_utc: datetime | None = None,
    ) -> ContextVariable:
        with writing(Part.VARIABLES):
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
        with writing(Part.VARIABLES):
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
            "id": self._ids.generate(checksum_of(f"{variable_id}{tag_id}")),
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
        self, context_variable_value_document: Any
    ) -> ContextVariableValue:
        return read(
            self._connection,
            "values",
            VALUE,
            context_variable_value_document,
            super()._deserialize_context_variable_value,
        )
