"""One reply to each customer, whichever servers they reach and whatever becomes of those."""

from __future__ import annotations

import signal

import httpx

from tests.server.servers import Customer, Server, Servers
from tests.waiting import until


async def test_that_a_turn_is_superseded_by_one_on_another_server(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = servers.start(2)
    customer = await Customer.arrive(http, first)
    await customer.say("hold quick", first)
    await servers.held_at("quick")
    trace = await customer.first_trace(second)

    await customer.say("and this", second)
    await customer.reply_to("and this", second)
    servers.open_gate("quick")
    # The first turn writes, and is told so.
    await customer.status("cancelled", second, trace_id=trace)

    assert await customer.replies(second) == ["Answer to and this"]
    events = await customer.events(second)
    assert [event["offset"] for event in events] == list(range(len(events)))


async def test_that_a_killed_servers_turn_is_taken_over(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = servers.start(2)
    customer = await Customer.arrive(http, first)
    await customer.say("hold kill", first)
    await servers.held_at("kill")

    first.send(signal.SIGKILL)

    await servers.held_at("kill", by=[second])
    servers.open_gate("kill")
    await customer.reply_to("hold kill", second)
    await customer.status("ready", second)
    assert await customer.replies(second) == ["Answer to hold kill"]


async def test_that_a_stopped_servers_turn_is_taken_over(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = servers.start(2)
    customer = await Customer.arrive(http, first)
    await customer.say("hold stop", first)
    await servers.held_at("stop")
    trace = await customer.first_trace(second)

    first.send(signal.SIGTERM)

    await customer.status("cancelled", second, trace_id=trace)
    await servers.held_at("stop", by=[second])
    servers.open_gate("stop")
    await customer.reply_to("hold stop", second)
    assert await customer.replies(second) == ["Answer to hold stop"]
    assert first.process.wait(60) == 0


async def test_that_a_turn_that_ends_in_time_is_not_left(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = servers.start(2)
    customer = await Customer.arrive(http, first)
    await customer.say("hold end", first)
    await servers.held_at("end")
    trace = await customer.first_trace(second)

    first.send(signal.SIGTERM)
    servers.open_gate("end")

    await customer.reply_to("hold end", second)
    first.process.wait(60)
    [reply] = [
        e
        for e in await customer.events(second)
        if e["source"] == "ai_agent" and e["kind"] == "message"
    ]
    assert reply["trace_id"] == trace


async def test_that_a_frozen_server_does_not_answer_a_second_time(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    first, second = servers.start(2)
    customer = await Customer.arrive(http, first)
    await customer.say("hold freeze", first)
    await servers.held_at("freeze")
    trace = await customer.first_trace(second)

    first.send(signal.SIGSTOP)
    await servers.held_at("freeze", by=[second])
    servers.open_gate("freeze")
    await customer.reply_to("hold freeze", second)
    first.send(signal.SIGCONT)

    await customer.status("cancelled", second, trace_id=trace)
    assert await customer.replies(second) == ["Answer to hold freeze"]


async def test_that_a_message_that_kills_servers_is_given_up(
    servers: Servers, http: httpx.AsyncClient
) -> None:
    started = servers.start(3)
    customer = await Customer.arrive(http, started[0])

    await customer.say("die", started[0])

    def living() -> list[Server]:
        return [server for server in started if server.is_running]

    await until(lambda: len(living()) == 1, "two servers to die")
    [third] = living()
    error = await customer.status("error", third)
    assert "2 servers" in error["data"]["data"]["exception"]
    assert third.is_running
    assert await customer.replies(third) == []
