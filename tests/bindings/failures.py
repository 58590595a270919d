"""What does not work, and says so: cancelling, errors, bad listeners and keepers."""

import asyncio
import base64
import hashlib
import json
import threading

import deputy_ffi as core
from app import App, InMemory, Told, pair, settled, sockets
from world import expect, within

AGENT, SECRET, EXPIRY = slice(1, 33), slice(33, 65), slice(65, 73)
# Of the one relay's `127.0.0.1:PORT`; ports that nobody asked for have five digits.
PORT = slice(85, 90)


def edited(link, part, by):
    """The link with a part of it replaced, whole as links are."""
    host, fragment = link.split("#")
    padded = fragment + "=" * (-len(fragment) % 4)
    x = bytearray(base64.urlsafe_b64decode(padded))[:-4]
    x[part] = by
    x += hashlib.blake2s(b"deputy pairing link 1" + x).digest()[:4]
    return host + "#" + base64.urlsafe_b64encode(x).rstrip(b"=").decode()


async def fails(awaitable, *kinds):
    """The error of one of these kinds that it must be, with a sentence and what to do."""
    names = " or ".join(kind.__qualname__ for kind in kinds)
    try:
        got = await within(awaitable)
    except (core.AgentError, core.PairingError) as error:
        expect(type(error) in kinds, f"{names} was due, and there came {error!r}")
        expect(error.text and error.hint, f"no words: {error!r}")
        return error
    expect(False, f"{names} was due, and there came {got!r}")


async def links_that_are_no_good_are_told_apart(world):
    number, link = await world.begin_pairing()
    error = core.PairingError
    await fails(core.pair("https://example.org/", "x"), error.BadLink)
    await fails(core.pair(link[:-3], "x"), error.BadLink)
    await fails(core.pair(edited(link, EXPIRY, bytes(8)), "x"), error.Expired)
    await fails(core.pair(edited(link, PORT, b"00001"), "x"), error.Unreachable)
    # Of another agent, and of this one with another secret.
    await fails(core.pair(edited(link, AGENT, bytes([9] * 32)), "x"), error.NotTaken)
    await fails(core.pair(edited(link, SECRET, bytes(32)), "x"), error.NotTaken)
    number, link = await world.begin_pairing()
    comparing = await within(core.pair(link, "x"))
    finish = asyncio.create_task(comparing.finish())
    await world.cli("pair", "--id", number, codes=(0, 4))
    await world.cli("pair", "--id", number, "--different", codes=(0, 1, 4))
    await fails(finish, error.Refused)
    await fails(comparing.finish(), error.CalledOff)
    # It was used: the agent does not answer, or is not there any more.
    await fails(core.pair(link, "x"), error.NotTaken, error.Unreachable)


async def a_pairing_is_called_off_by_cancelling_it(world):
    for way in ("cancel", "call off", "drop"):
        number, link = await world.begin_pairing()
        before = sockets()
        comparing = await within(core.pair(link, "x"))
        shown = await world.cli("pair", "--id", number, codes=(0, 4))
        expect(shown["state"] == "compare", f"{shown}")
        opened = sockets() - before
        expect(opened, "there is no connection")
        finish = None if way == "drop" else asyncio.create_task(comparing.finish())
        await asyncio.sleep(0)
        if way == "cancel":
            finish.cancel()
            await asyncio.wait([finish])
            expect(finish.cancelled(), "it was not cancelled")
            await fails(comparing.finish(), core.PairingError.CalledOff)
        elif way == "call off":
            comparing.call_off()
            await fails(finish, core.PairingError.CalledOff)
        del comparing
        # Its connection is closed.
        await settled(lambda: not opened & sockets())


async def a_question_that_is_cancelled_leaves_nothing(world):
    app, forever = world.app, 2**40
    world.agent.stop()
    asks = [asyncio.create_task(app.agent.ask(core.Question.STATUS(), forever)) for _ in range(1000)]
    waiting = asyncio.create_task(app.agent.ask(core.Question.DEVICES(), forever))
    # Each is under way once its turn of the loop is over.
    await asyncio.sleep(0)
    for ask in asks:
        ask.cancel()
    await asyncio.wait(asks)
    expect(all(ask.cancelled() for ask in asks), "one was not cancelled")
    expect(not waiting.done(), "there is an answer already")
    world.agent.go_on()
    expect((await within(waiting)).is_DEVICES(), "another answer")
    expect(core._UniffiContinuationHandleMap._map == {}, "a future is left")


async def what_waits_ends_when_the_agent_is_let_go(world):
    app = await App(world.paired.device).opened()
    world.agent.stop()
    asking = asyncio.create_task(app.agent.ask(core.Question.STATUS(), 2**40))
    await asyncio.sleep(0)
    # Who is patient for a moment only is told so.
    await fails(app.agent.ask(core.Question.STATUS(), 1), core.AgentError.Unreachable)
    await app.agent.let_go()
    await fails(asking, core.AgentError.LetGo)
    await fails(app.agent.status(), core.AgentError.LetGo)
    await fails(app.agent.command(core.Act.RUN_CANCEL(run="r1")), core.AgentError.LetGo)
    world.agent.go_on()


async def what_the_agent_refuses_comes_with_its_code(world):
    error = await fails(world.app.agent.run("r999"), core.AgentError.Refused)
    expect(error.code == "not_found", f"{error!r}")
    error = await fails(world.app.agent.costs("weather", None), core.AgentError.Refused)
    number = await world.app.agent.command(core.Act.RUN_CANCEL(run="r999"))
    await world.app.told.until(lambda: len(world.app.told.commands(number)) == 3)
    state = world.app.told.commands(number)[-1]
    expect(state.is_REFUSED() and state.code == "not_found" and state.text, f"{state}")


async def without_the_right_nothing_is_sent(world):
    paired = await pair(world, rights="view", name="watch")
    expect([right.is_VIEW() for right in paired.rights] == [True], f"{paired.rights}")
    app = await App(paired.device).opened()
    before = await app.agent.runs(None, None, 1000)
    for act in (
        core.Act.AUTOMATION_RUN(automation=world.automation),
        core.Act.SAY(text="remind me every day at 9 to eat", automation=None, timezone=None),
    ):
        await fails(app.agent.command(act), core.AgentError.NotAllowed)
    expect(await app.agent.commands() == [], "it is kept nevertheless")
    expect(await app.agent.runs(None, None, 1000) == before, "it ran nevertheless")
    world.watch = app, paired


async def who_is_revoked_is_told_so_at_once_and_comes_in_no_more(world):
    app, paired = world.watch
    await world.cli("device", "revoke", paired.id)
    await app.told.until(lambda: app.agent.line().is_NOT_KNOWN())
    forever = 2**40
    await fails(app.agent.ask(core.Question.STATUS(), forever), core.AgentError.NotKnown)
    # After a new start nobody can tell it from an agent that is off.
    await app.agent.let_go()
    app = App(paired.device)
    await app.told.until(lambda: app.agent.line().is_AWAY())
    expect(app.agent.line().why == core.WhyAway.OFFLINE, f"{app.agent.line()}")
    await fails(app.agent.ask(core.Question.STATUS(), 1), core.AgentError.Unreachable)


async def the_device_of_another_agent_gets_nothing(world):
    other = json.loads(world.paired.device)
    key = other["agent"]
    other["agent"] = edited_key(key)
    app = App(json.dumps(other).encode())
    await app.told.until(lambda: app.agent.line().is_AWAY())
    await fails(app.agent.ask(core.Question.STATUS(), 1), core.AgentError.Unreachable)
    for wrong in (b"", b"{}", world.paired.device[:-1]):
        await fails(opened(wrong), core.AgentError.BadDevice)
    await fails(opened(world.paired.device, "/proc/no/such"), core.AgentError.Platform)


def edited_key(key):
    """Another agent's, in the form of this one's."""
    if isinstance(key, str):
        return ("A" if key[0] != "A" else "B") + key[1:]
    return [key[0] ^ 1] + key[1:]


async def opened(device, directory=None):
    return App(device, directory)


class Throws(Told):
    def told(self, notice):
        super().told(notice)
        raise RuntimeError("an app's mistake")


class Stands(Told):
    """Does not return before it may."""

    def __init__(self):
        super().__init__()
        self.may = threading.Event()

    def told(self, notice):
        self.may.wait()
        super().told(notice)


async def a_listener_that_throws_is_told_everything_all_the_same(world):
    told = Throws()
    keeper = InMemory()
    agent = core.Agent.open_with_keeper(world.paired.device, keeper, told)
    await told.until(lambda: agent.line().is_OPEN())
    number = await agent.command(core.Act.AUTOMATION_RUN(automation=world.automation))
    await told.until(lambda: len(told.commands(number)) == 3)
    expect(told.commands(number)[-1].is_APPLIED(), f"{told.notices}")
    expect((await agent.status()).needs_open == 0, "something is needed")
    expect(set(keeper.sealed) >= {core.Kept.COMMANDS}, f"kept: {list(keeper.sealed)}")
    await agent.let_go()


async def a_listener_that_never_returns_holds_up_nobody(world):
    told = Stands()
    agent = core.Agent.open_with_keeper(world.paired.device, InMemory(), told)
    for _ in range(3):
        expect((await within(agent.status())).needs_open == 0, "something is needed")
    number = await agent.command(core.Act.AUTOMATION_RUN(automation=world.automation))
    # Everything happens, and nothing of it is told.
    while not any(c.state.is_APPLIED() for c in await agent.commands()):
        await within(agent.status())
    expect(told.notices == [], f"{told.notices}")
    told.may.set()
    await told.until(lambda: len(told.commands(number)) == 3)
    states = told.fates(number)
    expect(states == ["WAITING", "SENT", "APPLIED"], f"{states}")
    await agent.let_go()


class Refuses(InMemory):
    """The disk is full, sometimes in words that the interface knows."""

    def keep(self, what, sealed):
        if what == core.Kept.COMMANDS:
            raise core.KeeperError.Failed("the disk is full")
        raise RuntimeError("an app's mistake")


async def what_a_keeper_throws_is_told_and_breaks_nothing(world):
    told = Told()
    agent = core.Agent.open_with_keeper(world.paired.device, Refuses(), told)
    await told.until(lambda: agent.line().is_OPEN())
    number = await agent.command(core.Act.AUTOMATION_RUN(automation=world.automation))
    await told.until(lambda: len(told.commands(number)) == 3)
    expect(told.commands(number)[-1].is_APPLIED(), f"{told.notices}")
    await agent.suspend()
    await told.until(lambda: len(words(told)) >= 2)
    expect(any("the disk is full" in text for text in words(told)), f"{words(told)}")
    expect(any("an app's mistake" in text for text in words(told)), f"{words(told)}")
    await agent.let_go()


def words(told):
    return {notice.text for notice in told.of(core.Notice.NOT_KEPT)}


CHECKS = [
    links_that_are_no_good_are_told_apart,
    a_pairing_is_called_off_by_cancelling_it,
    a_question_that_is_cancelled_leaves_nothing,
    what_waits_ends_when_the_agent_is_let_go,
    what_the_agent_refuses_comes_with_its_code,
    without_the_right_nothing_is_sent,
    who_is_revoked_is_told_so_at_once_and_comes_in_no_more,
    the_device_of_another_agent_gets_nothing,
    a_listener_that_throws_is_told_everything_all_the_same,
    a_listener_that_never_returns_holds_up_nobody,
    what_a_keeper_throws_is_told_and_breaks_nothing,
]
