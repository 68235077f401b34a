"""Requests and answers are lost all the time; acknowledged writes never, and none happens twice."""

from __future__ import annotations

import random

import psycopg

from tests.faults.conftest import Connect, give, open_notes, stored
from tests.faults.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    answer_too_late,
    drop_answer,
    drop_request,
    empty_answer,
    end_answer_early,
    forward_too_late,
    html_instead_of_answer,
    html_instead_of_forwarding,
    json_instead_of_forwarding,
    pass_on,
    reset_answer,
    reset_request,
    truncate_answer,
)
from tests.faults.ledger import ACKNOWLEDGED_WRITES, Ledger

# How often each happens, in a thousand requests.
FAULTS: dict[Fault, int] = {
    pass_on: 785,
    drop_request: 20,
    drop_answer: 20,
    reset_request: 15,
    reset_answer: 15,
    truncate_answer: 15,
    end_answer_early: 15,
    empty_answer: 15,
    html_instead_of_forwarding(502): 15,
    html_instead_of_forwarding(429): 15,
    html_instead_of_answer(503): 15,
    html_instead_of_answer(504): 15,
    json_instead_of_forwarding(503, code="PGRST002", message="no schema cache"): 15,
    json_instead_of_forwarding(500, code="57014", message="statement timeout"): 15,
    # Each costs a caller, and a connection, half the timeout.
    answer_too_late: 5,
    forward_too_late: 5,
}


async def test_that_every_acknowledged_write_is_there_and_no_other_half_way(
    connect: Connect, proxy: FaultProxy, sql: psycopg.Connection, prefix: str
) -> None:
    chance = random.Random(7)

    def choose(exchange: Exchange) -> Fault:
        return chance.choices(list(FAULTS), list(FAULTS.values()))[0]

    async with connect() as database:
        ledger = Ledger(await open_notes(database), seed=7)
        give(database, 3)
        proxy.choose = choose
        await ledger.write_until(lambda: ledger.acknowledged >= ACKNOWLEDGED_WRITES)
    await proxy.settled()

    ledger.check(stored(sql, f"{prefix}notes"))
    assert ledger.outcomes["OutcomeUnknownError"] > 0
    assert ledger.outcomes["StatementTimeoutError"] > 0
