"""One call of a SQL function, as it passes from retrying to batching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parlant_supabase.rpc.functions import Function


@dataclass(eq=False)
class Call:
    """A call of a SQL function.

    Attributes:
        function: The function.
        arguments: Its encoded arguments by name.
        subject: What is being done, for the message of an error.
        deadline: When to give up, in seconds of the event loop's clock.
        attempt_timeout: Seconds that one attempt may take.
        attempts: How many attempts have been made.
    """

    function: Function[Any]
    arguments: Mapping[str, Any]
    subject: str
    deadline: float
    attempt_timeout: float
    attempts: int = 0
