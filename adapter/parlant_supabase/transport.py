"""The only module that knows supabase, postgrest and httpx: one rpc, one reply, one error."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx
from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from typing_extensions import Self, TypeAlias

from parlant_supabase.errors import (
    NotOpenError,
    OutcomeUnknownError,
    UnexpectedReplyError,
    UnreachableError,
)
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.translation import translate

SupabaseClient: TypeAlias = AsyncClient

# More connections make httpx slower, not faster: per request it walks all of them, and it drops those
# above max_keepalive_connections. Measured at 32 concurrent calls: 8/8 1.5 times as fast as 32/32.
_MAX_CONNECTIONS = 8


class Transport:
    """Calls functions of a Supabase project.

    Args:
        settings: Where the project is; None if a client is given.
        client: A client of the caller's, which stays open when the transport closes.
        timeout: Seconds that one request may take.
    """

    def __init__(
        self,
        settings: ConnectionSettings | None,
        client: SupabaseClient | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._settings = settings
        self._given_client = client
        self._timeout = timeout
        self._client: AsyncClient | None = None
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        if self._given_client is not None:
            self._client = self._given_client
            return self
        assert self._settings is not None
        self._http = httpx.AsyncClient(
            # Over HTTP/2 a gateway that ends a connection takes the requests on it along, and half of
            # those that fail so have been carried out.
            http2=False,
            timeout=httpx.Timeout(self._timeout),
            limits=httpx.Limits(
                max_connections=_MAX_CONNECTIONS,
                max_keepalive_connections=_MAX_CONNECTIONS,
                keepalive_expiry=30,
            ),
        )
        self._client = await acreate_client(
            self._settings.url,
            self._settings.key,
            AsyncClientOptions(
                schema=self._settings.schema,
                httpx_client=self._http,
                auto_refresh_token=False,
                persist_session=False,
            ),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client = None
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def call(
        self, function: str, params: Mapping[str, Any], subject: str
    ) -> dict[str, Any]:
        """The object that a function of the project returns.

        Args:
            function: The function's name.
            params: Its arguments by name.
            subject: What is being done, for the message of an error.

        Raises:
            SupabaseAdapterError: The call failed; the class says how.
        """
        if self._client is None:
            raise NotOpenError(
                f"{subject}: the database is not open. "
                "Use it inside `async with SupabaseDocumentDatabase(...)`."
            )
        try:
            response = await self._client.rpc(function, dict(params)).execute()
        except APIError as error:
            # Not chained: what the server says may quote a document.
            code = None if error.code is None else str(error.code)
            raise translate(subject, code, error.message, error.details, error.hint) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnreachableError(
                f"{subject}: the Supabase project cannot be reached; nothing was sent. "
                "Check SUPABASE_URL and the network, and that the project is not paused."
            ) from error
        except httpx.TransportError as error:
            raise OutcomeUnknownError(
                f"{subject}: no answer came back, so it may have been carried out or not. "
                "Look before you repeat it."
            ) from error
        if not isinstance(response.data, dict):
            raise UnexpectedReplyError(
                f"{subject}: something other than the project's API answered. "
                "Check SUPABASE_URL; it looks like https://your-project.supabase.co."
            )
        return response.data
