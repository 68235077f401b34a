"""Parlant's sessions and their events, one request per operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timezone
from typing import Any, cast

from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError, JSONSerializable, UniqueId
from parlant.core.customers import CustomerId
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection, Where
from parlant.core.persistence.document_database import BaseDocument
from parlant.core.sessions import (
    Event,
    EventId,
    EventKind,
    EventSource,
    EventUpdateParams,
    Session,
    SessionDocumentStore,
    SessionId,
    SessionListing,
    SessionUpdateParams,
)
from typing_extensions import override

from parlant_supabase.database import SupabaseDocumentDatabase
from parlant_supabase.parlant_internals import (
    event_document,
    event_of,
    session_changes,
    session_of,
)
from parlant_supabase.rpc.functions import (
    CHECK_EVENTS,
    CLAIM_TURNS,
    CREATE_EVENT,
    CREATE_EVENTS,
    DELETE_SESSION,
    KEEP_TURNS,
    LIST_EVENTS,
    LIST_SESSIONS,
    READ_EVENT,
    UPDATE_SESSION,
    UPDATE_SESSION_LABELS,
    UPDATE_SESSION_METADATA,
    Function,
)
from parlant_supabase.rpc.pagination import next_cursor, page_arguments
from parlant_supabase.rpc.replies import ClaimedTurn, Document, DocumentReply
from parlant_supabase.store_layout import SESSIONS
from parlant_supabase.stores.agent_states import (
    FindGraphs,
    graphs_of,
    keep_graphs,
    remember_graphs,
)
from parlant_supabase.stores.event_notices import EventNotices
from parlant_supabase.stores.ids import random_id
from parlant_supabase.stores.reading import EVENT, SESSION, read, readable
from parlant_supabase.stores.session_writes import (
    SessionWrites,
    Write,
    Written,
    is_deferring,
    is_in_turn,
)
from parlant_supabase.stores.store import SupabaseStore
from parlant_supabase.stores.streamed_messages import StreamedMessages, is_unfinished
from parlant_supabase.stores.turn_snapshot import (
    Part,
    current_snapshot,
    event_created,
    known_events,
    known_session,
    writing,
)
from parlant_supabase.stores.turns import Turn, Turns
from parlant_supabase.stores.watches import EventWatch, StreamWatch

# As many as the database takes in a call.
_MAX_WATCHES = 1000


class SupabaseSessionStore(SupabaseStore, SessionDocumentStore):
    """Sessions and events in a Supabase project.

    It keeps the documents that Parlant's `SessionDocumentStore` would keep there, so either opens
    what the other wrote. Every method is one request and one transaction, and any number of servers
    may use one database: changes to a session's labels and metadata are merged by the database, and
    an event gets its offset, and its time unless it is given, while the database holds the session.

    Where Parlant's store filters a page by labels after it was cut off, this one cuts a page off
    the sessions that have the labels.

    Args:
        database: Where the documents are; the caller opens and closes it.
        allow_migration: Whether documents of an older version of Parlant may be brought to this
            one's when the store is opened.
    """

    def __init__(self, database: SupabaseDocumentDatabase, allow_migration: bool = False) -> None:
        SupabaseStore.__init__(self, SESSIONS, database)
        SessionDocumentStore.__init__(self, self._opening, allow_migration)
        self._notices = EventNotices()
        self._find_graphs: FindGraphs | None = None
        self._turns: Turns | None = None
        self._writes = SessionWrites(self._write, self._report_lost)
        self._streams = StreamedMessages(self._write_stream)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: object | None,
    ) -> None:
        """Closes the store when all that was deferred is written."""
        await self._interrupt_streams()
        await self._writes.close()
        await super().__aexit__(exc_type, exc_value, traceback)

    @override
    async def read_session(self, session_id: SessionId) -> Session:
        known = known_session(self._connection, session_id)
        if known is None:
            return await super().read_session(session_id)
        return self._session(session_id, known["document"])

    @override
    async def update_session(self, session_id: SessionId, params: SessionUpdateParams) -> Session:
        changes = session_changes(self, params)
        await self._keep_graphs(params, changes)
        write = Write(params=changes)
        turn = self._turns and self._turns.of_update(session_id)
        if turn:
            self._write_for(turn, write, params)
        with writing(Part.SESSION, session_id):
            written = await self._writes.make(session_id, write)
        if written.session is None and turn and turn.is_superseded:
            return await self.read_session(session_id)
        return self._session(session_id, written.session)

    def _write_for(self, turn: Turn, write: Write, params: SessionUpdateParams) -> None:
        """Makes changes of a session a write of a turn, and those of its agent state its last."""
        states = params.get("agent_states")
        if states is not None:
            # The engine sends all that it read, and a last one of its own: others may have added
            # theirs meanwhile. Anything else that writes states means them as they are.
            if not states or states[-1].trace_id != turn.trace_id:
                return
            write.step = "ends"
        changes = write.params or {}
        write.fence, write.whole = turn, changes
        if states is not None:
            write.params = {**changes, "agent_states": changes["agent_states"][-1:]}

    @override
    async def delete_session(self, session_id: SessionId) -> None:
        await self._writes.flush(session_id)
        with writing(Part.SESSION, session_id), writing(Part.EVENTS, session_id):
            await self._connection.call(DELETE_SESSION, p_session_id=session_id)

    @override
    async def list_sessions(
        self,
        agent_id: AgentId | None = None,
        customer_id: CustomerId | None = None,
        limit: int | None = None,
        cursor: Cursor | None = None,
        sort_direction: SortDirection | None = None,
        labels: Set[str] | None = None,
    ) -> SessionListing:
        reply = await self._connection.call(
            LIST_SESSIONS,
            p_agent_id=agent_id or None,
            p_customer_id=customer_id or None,
            p_labels=sorted(labels) if labels else None,
            **page_arguments(limit, cursor, sort_direction),
        )
        return SessionListing(
            items=readable(reply["items"], lambda each: session_of(self, each)),
            total_count=reply["total_count"],
            has_more=reply["has_more"],
            next_cursor=next_cursor(reply),
        )

    @override
    async def set_metadata(
        self, session_id: SessionId, key: str, value: JSONSerializable
    ) -> Session:
        return await self._merge(UPDATE_SESSION_METADATA, session_id, p_set={key: value})

    @override
    async def unset_metadata(self, session_id: SessionId, key: str) -> Session:
        return await self._merge(UPDATE_SESSION_METADATA, session_id, p_unset=[key])

    @override
    async def upsert_labels(self, session_id: SessionId, labels: Set[str]) -> Session:
        return await self._merge(UPDATE_SESSION_LABELS, session_id, p_added=sorted(labels))

    @override
    async def remove_labels(self, session_id: SessionId, labels: Set[str]) -> Session:
        return await self._merge(UPDATE_SESSION_LABELS, session_id, p_removed=sorted(labels))

    @override
    async def create_event(
        self,
        session_id: SessionId,
        source: EventSource,
        kind: EventKind,
        trace_id: str,
        data: JSONSerializable,
        metadata: Mapping[str, JSONSerializable] = {},
        creation_utc: datetime | None = None,
    ) -> Event:
        event = Event(
            id=EventId(random_id()),
            source=source,
            kind=kind,
            offset=0,
            creation_utc=creation_utc or datetime.now(timezone.utc),
            trace_id=trace_id,
            data=data,
            metadata=metadata,
            deleted=False,
        )
        document = event_document(self, event, session_id)
        # These two are the database's, which knows what other servers do.
        del document["offset"]
        if creation_utc is None:
            del document["creation_utc"]
        of_turn = self._turns and self._turns.of_event(session_id, source, kind, trace_id)
        turn, step = of_turn or (None, None)
        if is_deferring():
            # Whoever emits it does not look at what comes back.
            self._writes.defer(session_id, Write(document, fence=turn, step=step))
            return event
        snapshot = current_snapshot()
        if snapshot is None or not snapshot.expects_session(self._connection, session_id):
            snapshot = None
        written = await self._writes.make(
            session_id,
            Write(document, with_session=snapshot is not None, fence=turn, step=step),
        )
        if turn and written.offset is None:
            turn.unwritten[event.id] = event
            return event
        if snapshot is not None:
            snapshot.hold_session(self._connection, session_id, written.session)
        created = event_of(self, _placed(document, written))
        if is_in_turn() and is_unfinished(data):
            self._streams.begin(session_id, created)
        return created

    @override
    async def read_event(self, session_id: SessionId, event_id: EventId) -> Event:
        if streamed := self._streams.latest(session_id, event_id):
            return streamed
        reply = await self._connection.call(
            READ_EVENT, p_session_id=session_id, p_event_id=event_id
        )
        if not reply["session_exists"]:
            raise _session_not_found(session_id)
        return self._event(event_id, reply["document"])

    @override
    async def list_events(
        self,
        session_id: SessionId,
        source: EventSource | None = None,
        trace_id: str | None = None,
        kinds: Sequence[EventKind] = [],
        min_offset: int | None = None,
        exclude_deleted: bool = True,
    ) -> Sequence[Event]:
        if is_in_turn():
            # A turn sees what it has emitted.
            await self._writes.flush(session_id)
        is_plain = exclude_deleted and not (source or trace_id or kinds or min_offset)
        known = known_events(self._connection, session_id) if is_plain else None
        if known is not None:
            reply = known
        else:
            reply = await self._connection.call(
                LIST_EVENTS,
                p_session_id=session_id,
                p_source=source.value if source else None,
                p_trace_id=trace_id or None,
                p_kinds=[kind.value for kind in kinds] or None,
                p_min_offset=min_offset or None,
                p_exclude_deleted=exclude_deleted,
            )
        if reply["documents"] is None:
            raise _session_not_found(session_id)
        events = readable(reply["documents"], lambda each: event_of(self, each))
        return self._streams.with_latest(events)

    @override
    async def update_event(
        self, session_id: SessionId, event_id: EventId, params: EventUpdateParams
    ) -> Event:
        unwritten = self._turns and self._turns.unwritten_event(session_id, event_id)
        if unwritten:
            return unwritten
        if self._streams.latest(session_id, event_id):
            if params.keys() == {"data"} and is_unfinished(params["data"]):
                with writing(Part.EVENTS, session_id):
                    streamed = await self._streams.add(event_id, params["data"])
                self._notices.event_updated(session_id, streamed)
                return streamed
            await self._streams.end(event_id, with_news="data" not in params)
        changes: dict[str, JSONSerializable] = {}
        if "metadata" in params:
            changes["metadata"] = params["metadata"] or None
        if "data" in params:
            changes["data"] = params["data"]
        await self._writes.flush(session_id)
        with writing(Part.EVENTS, session_id):
            result = await self._collection("events").update_one(
                filters=_undeleted(session_id, event_id),
                params=cast(BaseDocument, changes),
            )
        event = self._event(event_id, result.updated_document)
        self._notices.event_updated(session_id, event)
        return event

    @override
    async def delete_event(self, event_id: EventId) -> None:
        # Of which session is not said.
        self._streams.forget(event_id)
        with writing(Part.EVENTS):
            await super().delete_event(event_id)

    def _take_turns(self, turns: Turns | None) -> None:
        """Has the writes of a server's turns carry their leases; None for no server."""
        self._turns = turns

    async def _keep_turns(
        self, turns: Sequence[tuple[SessionId, str, str]], lease_seconds: float
    ) -> Sequence[SessionId]:
        """Renews or ends leases: of session, name of the turn and its state.

        Returns:
            The sessions whose running turns have been superseded.
        """
        reply = await self._connection.call(
            KEEP_TURNS,
            p_turns=[
                {"session_id": session_id, "turn": name, "state": state}
                for session_id, name, state in turns
            ],
            p_lease_seconds=lease_seconds,
        )
        return [SessionId(each) for each in reply["superseded"]]

    async def _claim_turns(
        self,
        name: str,
        agent_ids: Sequence[AgentId],
        *,
        lease_seconds: float,
        max_age_seconds: float,
        max_attempts: int,
        limit: int,
    ) -> Sequence[ClaimedTurn]:
        """Claims sessions whose newest customer message nobody is answering."""
        reply = await self._connection.call(
            CLAIM_TURNS,
            p_turn=name,
            p_agent_ids=list(agent_ids),
            p_lease_seconds=lease_seconds,
            p_max_age_seconds=max_age_seconds,
            p_max_attempts=max_attempts,
            p_limit=limit,
        )
        return reply["turns"]

    async def _check_events(
        self, watches: Sequence[EventWatch]
    ) -> Sequence[bool | ItemNotFoundError]:
        """Whether there are events, for each of any number of clients that wait for some.

        Returns:
            One result for each watch, in their order: the error that `list_events` would raise
            where there is no such session.
        """
        if len(watches) > _MAX_WATCHES:
            return [
                *await self._check_events(watches[:_MAX_WATCHES]),
                *await self._check_events(watches[_MAX_WATCHES:]),
            ]
        reply = await self._connection.call(
            CHECK_EVENTS,
            p_watches=[
                {
                    "session_id": watch.session_id,
                    "source": watch.source.value if watch.source else None,
                    "trace_id": watch.trace_id or None,
                    "kinds": [kind.value for kind in watch.kinds] or None,
                    "min_offset": watch.min_offset or None,
                }
                for watch in watches
            ],
        )
        return [
            _session_not_found(watch.session_id) if found is None else found
            for watch, found in zip(watches, reply["results"], strict=True)
        ]

    async def _check_streams(
        self, watches: Sequence[StreamWatch]
    ) -> Sequence[bool | ItemNotFoundError]:
        """Whether streamed messages have come as far as clients wait for them to come.

        Returns:
            One result for each watch, in their order: the error that `read_event` would raise where
            it would raise one.
        """
        events: dict[EventId, Event] = {}
        if len(watches) > 1:
            documents = await self._collection("events").find(
                {"id": {"$in": [*{ObjectId(watch.event_id) for watch in watches}]}}
            )
            read = readable(documents, lambda each: event_of(self, each))
            events = {event.id: event for event in read}
        results: list[bool | ItemNotFoundError] = []
        for watch in watches:
            try:
                event = events.get(watch.event_id) or await self.read_event(
                    watch.session_id, watch.event_id
                )
            except ItemNotFoundError as error:
                results.append(error)
            else:
                results.append(watch.is_met_by(event))
        return results

    @override
    def _deserialize_session(self, session_document: Document) -> Session:
        session = read(
            self._connection, "sessions", SESSION, session_document, super()._deserialize_session
        )
        remember_graphs(session, session_document)
        return session

    async def _keep_graphs(self, params: SessionUpdateParams, changes: dict[str, Any]) -> None:
        """Has the documents of agent states say which journeys they were made with."""
        for state, document in zip(
            params.get("agent_states", ()), changes.get("agent_states", ()), strict=True
        ):
            graphs = graphs_of(state)
            if graphs is None and self._find_graphs is not None:
                graphs = await self._find_graphs(state.journey_paths)
            keep_graphs(document, graphs or {})

    @override
    def _deserialize_event(self, event_document: Document) -> Event:
        return read(self._connection, "events", EVENT, event_document, super()._deserialize_event)

    async def _write(self, session_id: SessionId, group: Sequence[Write]) -> list[Written]:
        """Makes consecutive writes of a session: events, and at the end changes of the session."""
        turn: Turn | None = group[0].fence
        if turn is None or self._turns is None:
            return await self._send(session_id, group, None)
        step = group[-1].step or self._turns.step_of(turn)
        written = await self._turns.write(
            turn, step, lambda of_turn: self._send(session_id, group, of_turn)
        )
        if written is not None:
            return written
        last_words = [write.event for write in group if write.event and _ends_turn(write.event)]
        if last_words and not turn.has_said_so:
            # Whoever follows this turn learns how it ended.
            turn.has_said_so = True
            cancelled = {**last_words[0], "data": {"status": "cancelled", "data": {}}}
            await self._send(session_id, [Write(cancelled)], None)
        return [Written() for _ in group]

    async def _send(
        self, session_id: SessionId, group: Sequence[Write], turn: Document | None
    ) -> list[Written]:
        """Makes writes with one request, for a turn or for none."""
        events = [write.event for write in group if write.event is not None]
        params = group[-1].params
        if turn is None and group[-1].whole is not None:
            params = group[-1].whole
        if not events and turn is not None:
            reply = await self._connection.call(
                UPDATE_SESSION, p_session_id=session_id, p_params=params, p_turn=turn
            )
            return [Written(session=reply["document"])]
        if not events:
            return [await self._update_session(session_id, params or {})]
        if len(group) == 1 and group[0].is_awaited and not group[0].with_session:
            place = await self._connection.call(CREATE_EVENT, p_event=events[0], p_turn=turn)
            if place["offset"] is None or place["creation_utc"] is None:
                raise _session_not_found(session_id)
            written = [Written(place["offset"], place["creation_utc"])]
        else:
            places = await self._connection.call(
                CREATE_EVENTS,
                p_session_id=session_id,
                p_events=events,
                p_ages=[write.age for write in group if write.event is not None],
                p_params=params,
                p_with_session=any(write.with_session for write in group) or None,
                p_turn=turn,
            )
            if places["places"] is None:
                raise _session_not_found(session_id)
            written = [
                Written(place["offset"], place["creation_utc"], places["session"])
                for place in places["places"]
            ]
            if params is not None:
                written.append(Written(session=places["session"]))
        for document, event in zip(events, written, strict=False):
            self._tell(session_id, _placed(document, event))
        return written

    def _tell(self, session_id: SessionId, document: Document) -> None:
        """Tells all who are to know of an event that is in the database."""
        event_created(self._connection, session_id, document)
        self._notices.event_created(session_id, event_of(self, document))

    async def _update_session(self, session_id: SessionId, params: Mapping[str, Any]) -> Written:
        result = await self._collection("sessions").update_one(
            filters={"id": {"$eq": session_id}}, params=cast(BaseDocument, params)
        )
        return Written(session=result.updated_document)

    async def _write_stream(
        self, session_id: SessionId, event_id: EventId, data: JSONSerializable
    ) -> None:
        result = await self._collection("events").update_one(
            filters=_undeleted(session_id, event_id), params=cast(BaseDocument, {"data": data})
        )
        if result.updated_document is None:
            raise _event_not_found(event_id)

    async def _interrupt_streams(self, session_id: SessionId | None = None) -> None:
        try:
            await self._streams.interrupt(session_id)
        except Exception as error:
            self._connection.observer.logger.error(
                f"A streamed message was not written as far as it had got: {error}"
            )

    async def _end_turn(self, session_id: SessionId) -> None:
        """Returns when all that a turn has emitted is written, and reports what could not be."""
        await self._interrupt_streams(session_id)
        await self._writes.end_turn(session_id)

    def _report_lost(self, session_id: SessionId, error: Exception) -> None:
        self._connection.observer.logger.error(
            f"Session {session_id}: status events at the end of a turn were not written: {error}"
        )

    async def _merge(
        self, function: Function[DocumentReply], session_id: SessionId, **change: Any
    ) -> Session:
        """Has the database merge a change of labels or metadata into a session."""
        await self._writes.flush(session_id)
        with writing(Part.SESSION, session_id):
            reply = await self._connection.call(function, p_session_id=session_id, **change)
        return self._session(session_id, reply["document"])

    def _session(self, session_id: SessionId, document: Document | None) -> Session:
        if document is None:
            raise _session_not_found(session_id)
        return session_of(self, document)

    def _event(self, event_id: EventId, document: Document | None) -> Event:
        if document is None:
            raise _event_not_found(event_id)
        return event_of(self, document)


def _placed(document: Document, written: Written) -> Document:
    """An event with the place that it has got."""
    return {
        **document,
        "offset": written.offset,
        "creation_utc": written.creation_utc,
    }


def _undeleted(session_id: SessionId, event_id: EventId) -> Where:
    return {
        "id": {"$eq": ObjectId(event_id)},
        "session_id": {"$eq": session_id},
        "deleted": {"$ne": True},
    }


def _event_not_found(event_id: EventId) -> ItemNotFoundError:
    return ItemNotFoundError(item_id=UniqueId(event_id), message="Event not found")


def _ends_turn(event: Document) -> bool:
    data = event["kind"] == EventKind.STATUS.value and event["data"]
    return isinstance(data, Mapping) and data.get("status") in ("cancelled", "ready")


def _session_not_found(session_id: SessionId) -> ItemNotFoundError:
    return ItemNotFoundError(item_id=UniqueId(session_id), message="Session not found")
