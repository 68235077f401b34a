"""Reads what belongs together for a turn of a conversation with one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlant.core.context_variables import ContextVariableStore
from parlant.core.sessions import Session, SessionId

from parlant_supabase.connection import Connection
from parlant_supabase.rpc.functions import READ_TURN
from parlant_supabase.rpc.replies import TurnReply
from parlant_supabase.stores.context_variable_store import SupabaseContextVariableStore
from parlant_supabase.stores.customer_store import SupabaseCustomerStore
from parlant_supabase.stores.session_store import SupabaseSessionStore
from parlant_supabase.stores.turn_snapshot import TurnSnapshot, use_snapshot


class TurnReader:
    """Reads from the three stores at once.

    Args:
        sessions: The server's sessions.
        customers: Its customers, in the same project.
        variables: Its context variables, in the same project.
    """

    def __init__(
        self,
        sessions: SupabaseSessionStore,
        customers: SupabaseCustomerStore,
        variables: SupabaseContextVariableStore,
    ) -> None:
        self._store = sessions
        self._sessions: Connection = sessions._connection
        self._customers: Connection = customers._connection
        self._variables: Connection = variables._connection

    @staticmethod
    def of(sessions: object, customers: object, variables: object) -> TurnReader | None:
        """A reader; None if the stores are not those of this package in one project."""
        if (
            isinstance(sessions, SupabaseSessionStore)
            and isinstance(customers, SupabaseCustomerStore)
            and isinstance(variables, SupabaseContextVariableStore)
            and sessions._connection.rpc is customers._connection.rpc
            and sessions._connection.rpc is variables._connection.rpc
        ):
            return TurnReader(sessions, customers, variables)
        return None

    async def read_turn(self, session_id: SessionId, tag_lists: Sequence[Sequence[str]]) -> Session:
        """The session; what else the turn begins with is known to the running task from now on.

        Args:
            session_id: The session.
            tag_lists: For which lists of tags the variables will be asked for.

        Raises:
            ItemNotFoundError: There is no such session.
        """
        # Before it is read, so that it hears of what is written meanwhile.
        snapshot = TurnSnapshot()
        reply = await self._sessions.call(
            READ_TURN,
            p_session_id=session_id,
            p_customer_prefix=self._customers.prefix,
            p_variable_prefix=self._variables.prefix,
            p_tag_lists=[list(tags) for tags in tag_lists],
            p_keys=[ContextVariableStore.GLOBAL_KEY],
        )
        session = self._store._session(session_id, reply["session"])
        self._hold_customer(snapshot, reply)
        snapshot.hold_events(self._sessions, session_id, reply["events"])
        snapshot.hold_variables(self._variables, tag_lists, reply)
        use_snapshot(snapshot)
        return session

    async def read_for_message(self, session_id: SessionId) -> TurnSnapshot:
        """The session and its customer, for the task that stores a message in the session."""
        snapshot = TurnSnapshot(with_subtasks=False)
        reply = await self._sessions.call(
            READ_TURN, p_session_id=session_id, p_customer_prefix=self._customers.prefix
        )
        snapshot.expect_session(self._sessions, session_id)
        snapshot.hold_session(self._sessions, session_id, reply["session"])
        self._hold_customer(snapshot, reply)
        return snapshot

    def _hold_customer(self, snapshot: TurnSnapshot, reply: TurnReply) -> None:
        session = reply["session"]
        customer_id = session.get("customer_id") if isinstance(session, Mapping) else None
        if isinstance(customer_id, str):
            snapshot.hold_customer(self._customers, customer_id, reply["customer"])
