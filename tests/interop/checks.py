"""What is checked, in order. Each says what it expects; the first that fails ends everything."""

import asyncio
import json
import re
import time

import make_vectors
from carriers import CARRIERS, WrongCertificate
from client import Conversation, Device, Failed, new_id, new_key, within
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import Status, TracesData
from pairing import BadLink, PairingLink
from session import (
    KNOWN, LARGEST_BODY, LAST, Goodbye, Handshake, OtherVersion, Session, opening,
)
from stream import PROTOCOL, REFUSED, REVOKED, StreamEnded, StreamReset
from wire import Link, Refused

CHECKS = []


class Unexpected(Exception):
    """Something else happened than the specification says."""


def check(function):
    CHECKS.append(function)
    return function


def expect(true, what):
    if not true:
        raise Unexpected(what)


async def fails(awaitable, *kinds):
    """The exception of one of these kinds that it must raise."""
    try:
        got = await awaitable
    except kinds as error:
        return error
    raise Unexpected(f"one of {[kind.__name__ for kind in kinds]} was due, and there came {got!r}")


async def runs(talk, world):
    return [run["id"] for run in await talk.ask("runs", automation=world.automation, limit=1000)]


@check
async def vectors(_):
    for name, text in make_vectors.files().items():
        expect((make_vectors.FOLDER / name).read_text() == text, f"vectors/{name} is another")


@check
async def pairs_over_quic_and_both_phrases_are_the_same(world):
    number, link = await world.begin_pairing()
    expect(PairingLink.parse(link.encode()) == link, "a link that is encoded again is another")
    device = Device(new_key(), link.agent, link.relays)
    talk, phrase = await device.pair("quic", link)
    expect((await talk.told("compare"))["phrase"] == phrase, "the agent says another phrase")
    shown = await world.cli("pair", "--id", number, codes=(0, 4))
    expect(shown["state"] == "compare" and shown["phrase"] == phrase, f"it shows {shown}")
    await world.cli("pair", "--id", number, "--same")
    said = await talk.told("paired")
    expect(said["rights"] == ["view", "control", "approve"], f"rights: {said}")
    device.paired(said)
    expect(device.relays == link.relays, "`paired` and the link name other relays")
    await talk.ask("status")
    await talk.close()
    world.device, world.link = device, link


@check
async def asks(world):
    talk = await world.device.connect("quic")
    expect((await talk.ask("status"))["automations"]["active"] == 1, "not one active automation")
    found = [automation["id"] for automation in await talk.ask("automations")]
    expect(found == [world.automation], f"automations: {found}")
    await talk.close()
    end = await talk.end()
    expect(isinstance(end, Goodbye), f"goodbye was answered with {end!r}")


@check
async def a_command_counts_once(world):
    number = new_id()
    talk = await world.device.connect("quic")
    first = await talk.ask("automation_run", number, automation=world.automation)
    await talk.close()
    talk = await world.device.connect("quic")
    again = await talk.ask("automation_run", number, automation=world.automation)
    expect(again["id"] == first["id"], "the second answer is of another run")
    expect(await runs(talk, world) == [first["id"]], "not one run")
    # And once more, by somebody who is gone before the answer.
    number = new_id()
    what = {"ask": "automation_run", "automation": world.automation}
    await talk.session.say({"type": "ask", "id": number, "what": what})
    await talk.drop()
    talk = await world.device.connect("quic")
    second = await talk.ask("automation_run", number, automation=world.automation)
    expect(await runs(talk, world) == [second["id"], first["id"]], "not two runs")
    await talk.close()


async def run_is_over(talk, run):
    """All events up to the end of a run."""
    events = []
    while not events or (events[-1]["kind"], events[-1]["run"]) != ("run_ended", run):
        events.append(await talk.event())
    return events


@check
async def events_come_in_order_and_are_caught_up_with(world):
    talk = await world.device.connect("quic")
    await talk.follow(0)
    run = await talk.ask("automation_run", automation=world.automation)
    seen = await run_is_over(talk, run["id"])
    numbers = [event["seq"] for event in seen]
    expect(numbers == sorted(set(numbers)), f"not in order: {numbers}")
    await talk.drop()
    talk = await world.device.connect("quic")
    await talk.follow(0)
    again = [await talk.event() for _ in seen]
    expect(again == seen, "what is caught up with is not what happened")
    run = await talk.ask("automation_run", automation=world.automation)
    new = await run_is_over(talk, run["id"])
    expect(new[0]["seq"] > numbers[-1], "an event came again")
    await talk.close()
    talk = await world.device.connect("websocket")
    await talk.follow(numbers[-1])
    expect(await run_is_over(talk, run["id"]) == new, "after an event comes something else")
    await talk.close()


@check
async def the_same_device_over_websocket(world):
    for early in (False, True):
        talk = await world.device.connect("websocket", early)
        expect((await talk.ask("status"))["automations"]["active"] == 1, "another status")
        await talk.close()


@check
async def bodies_of_many_parts(world):
    text = "remind me every weekday at 9 to " + "stretch and " * 20000 + "sit"
    talk = await world.device.connect("quic")
    what = {"ask": "say", "text": text}
    answer = await talk.answer(what)
    expect("ok" in answer, f"{str(answer)[:300]}")
    for carrier in CARRIERS:
        talk = await world.device.connect(carrier)
        heard = talk.session.parts_heard
        chat = await talk.ask("chat", limit=20)
        expect(any(line["data"].get("text") == text for line in chat), "the text is not in the chat")
        expect(talk.session.parts_heard - heard > 1, "it came in one part")
        # In parts of 5 bytes, then as long as a body may be, then longer.
        await talk.answer({"ask": "status"}, part=5)
        await talk.session.say({"type": "ping", "x": "x" * (LARGEST_BODY - 22)})
        await talk.ask("status")
        sealed = talk.session.sealed
        for mark in [0] * 300 + [1]:
            frame = sealed.seal(mark, b"x" * 60000)
            if talk.ended.done():
                break
            try:
                await talk.session.stream.write_frame(frame)
            except StreamReset:
                break
        expect(isinstance(await talk.end(), StreamReset), "a body that is too long is taken")
        await talk.drop()


@check
async def without_the_right_it_is_not_allowed(world):
    device, talk = await world.pair(rights="view")
    before = await runs(talk, world)
    for what in (
        {"ask": "automation_run", "automation": world.automation},
        {"ask": "say", "text": "remind me every day at 9 to eat"},
        {"ask": "vault_show"},
    ):
        answer = await talk.answer(what)
        expect(answer.get("error", {}).get("code") == "not_allowed", f"{what}: {answer}")
    expect(await runs(talk, world) == before, "it ran nevertheless")
    await talk.close()


@check
async def a_link_is_good_once_and_as_a_whole(world):
    for carrier in CARRIERS:
        device = Device(new_key(), world.link.agent, world.link.relays)
        await fails(device.pair(carrier, world.link), StreamEnded, StreamReset, Refused)
    text = world.link.encode()
    for at in range(text.index("#") + 1, len(text)):
        other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        try:
            parsed = PairingLink.parse(other)
        except BadLink:
            continue
        # The last letter has bits that stand for nothing.
        expect(at == len(text) - 1 and parsed == world.link, f"letter {at} may be changed")


@check
async def when_the_phrases_differ_it_is_refused(world):
    for carrier in CARRIERS:
        number, link = await world.begin_pairing()
        device = Device(new_key(), link.agent, link.relays)
        talk, _ = await device.pair(carrier, link)
        await talk.told("compare")
        await world.cli("pair", "--id", number, codes=(0, 4))
        await world.cli("pair", "--id", number, "--different", codes=(0, 1, 4))
        end = await talk.end()
        # The route is given back at the same time, and either may be heard of first.
        was_refused = isinstance(end, StreamReset) and end.code in (REFUSED, REVOKED)
        expect(was_refused, f"it ended with {end!r}")
        await talk.drop()
        await fails(device.connect(carrier), StreamEnded, StreamReset, Refused)


@check
async def another_key_is_not_answered(world):
    for carrier in CARRIERS:
        stranger = Device(new_key(), world.device.agent, world.device.relays)
        await fails(stranger.connect(carrier), StreamEnded, StreamReset)


@check
async def a_relay_with_another_certificate_is_not_taken(world):
    relay = world.device.relays[0]
    for carrier in CARRIERS:
        await fails(Link.connect(carrier, relay.address, bytes(32)), WrongCertificate)


@check
async def a_flipped_bit_ends_the_session(world):
    for carrier in CARRIERS:
        talk = await world.device.connect(carrier)
        message = bytearray(talk.session.sealed.seal(LAST, b'{"type":"ping"}'))
        message[5] ^= 1
        await talk.session.stream.write_frame(bytes(message))
        end = await talk.end()
        expect(isinstance(end, StreamReset) and end.code == PROTOCOL, f"it ended with {end!r}")
        await talk.drop()


@check
async def another_version_is_answered_with_the_versions(world):
    relay = world.device.relays[0]
    for carrier in CARRIERS:
        link = await Link.connect(carrier, relay.address, relay.certificate)
        stream = await within(link.dial(relay.route, opening(KNOWN, version=9)))
        key = world.device.key
        handshake = Handshake(KNOWN, key, world.device.agent, relay.route)
        error = await fails(within(Session.begin(stream, handshake)), OtherVersion)
        expect(error.versions == [1], f"versions: {error.versions}")
        await fails(within(stream.read_exactly(1)), StreamEnded, StreamReset)
        await link.aclose()
        # Not this protocol; an unknown kind.
        for words in (b"GET /", opening(9)):
            link = await Link.connect(carrier, relay.address, relay.certificate)
            stream = await within(link.dial(relay.route, words))
            await fails(within(stream.read_exactly(1)), StreamEnded, StreamReset)
            await link.aclose()


@check
async def a_route_of_nobody_is_offline(world):
    relay = world.device.relays[0]
    for carrier in CARRIERS:
        link = await Link.connect(carrier, relay.address, relay.certificate)
        error = await fails(within(link.dial(bytes(24))), Refused)
        expect(error.code == "offline", f"{error}")
        await link.aclose()
        error = await fails(
            Link.connect(carrier, relay.address, relay.certificate, versions=[9]), Refused
        )
        expect(error.code == "version" and error.said["versions"] == [1], f"{error.said}")


@check
async def what_is_not_known_is_ignored(world):
    relay = world.device.relays[0]
    for carrier in CARRIERS:
        more = {"of_a_newer_version": [1], "features": ["flying"], "versions": [1, 200]}
        link = await Link.connect(carrier, relay.address, relay.certificate, **more)
        hello = {"features": ["flying"], "of_a_newer_version": {"x": 1}}
        key = world.device.key
        handshake = Handshake(KNOWN, key, world.device.agent, relay.route, payload=hello)
        stream = await within(link.dial(relay.route, handshake.first()))
        talk = Conversation(link, await within(Session.begin(stream, handshake)))
        await talk.session.say({"type": "sing", "id": "1", "song": ["la"] * 1000})
        await talk.session.say({"type": "ping", "of_a_newer_version": None})
        what = {"ask": "automations", "of_a_newer_version": True}
        answer = await talk.answer(what, more={"of_a_newer_version": 1})
        expect(answer["ok"]["type"] == "automations", f"{answer}")
        await talk.close()


@check
async def a_device_may_change_its_key_at_any_time(world):
    for carrier in CARRIERS:
        talk = await world.device.connect(carrier)
        await talk.session.rekey()
        for _ in range(3):
            await talk.ask("status")
            await talk.session.rekey()
            await talk.session.rekey()
        await talk.ask("status")
        await talk.close()


@check
async def both_change_their_keys_by_themselves(world):
    talk = await world.device.connect("websocket")
    for _ in range(132):
        questions = [talk.answer({"ask": "?"}) for _ in range(500)]
        await asyncio.gather(*questions)
    sealed = talk.session.sealed
    expect(sealed.changes == [1, 1], f"keys were changed {sealed.changes} times")
    await talk.ask("status")
    await talk.close()


@check
async def who_is_revoked_is_cut_off_at_once(world):
    for carrier in CARRIERS:
        device, talk = await world.pair(carrier)
        other = await device.connect(carrier)
        await world.cli("device", "revoke", device.id)
        began = time.monotonic()
        for each in (talk, other):
            end = await each.end()
            expect(isinstance(end, StreamReset) and end.code == REVOKED, f"it ended with {end!r}")
        took = time.monotonic() - began
        expect(took < 1, f"it took {took:.1f} s")
        await talk.drop()
        await other.drop()
        error = await fails(device.connect(carrier), Refused)
        expect(error.code == "offline", f"{error}")
    talk = await world.device.connect("quic")
    await talk.ask("status")
    await talk.close()


@check
async def opentelemetry_reads_the_audit_trail(world):
    run = await world.cli("automation", "run", world.automation)
    records = await world.cli("export", "--all", "--format", "otlp")
    spans, logs = [], []
    for record in records:
        # Raises for a field that is not there, or of another type.
        if "resourceSpans" in record:
            read = ParseDict(record, TracesData())
            spans += [s for r in read.resource_spans for o in r.scope_spans for s in o.spans]
        else:
            read = ParseDict(record, LogsData())
            logs += [e for r in read.resource_logs for o in r.scope_logs for e in o.log_records]

    def attribute(of, key):
        return next((a.value.string_value for a in of.attributes if a.key == key), None)

    root = next(s for s in spans if attribute(s, "deputy.run") == run["id"])
    steps = [s for s in spans if s.parent_span_id == root.span_id]
    expect([s.name for s in steps] == ["notify.send"], f"its steps: {[s.name for s in steps]}")
    expect(all(s.trace_id == root.trace_id for s in steps), "steps are in their run's trace")
    expect(0 < root.start_time_unix_nano <= steps[0].start_time_unix_nano, "a step before its run")
    expect(steps[0].end_time_unix_nano <= root.end_time_unix_nano, "a step after its run")
    expect(root.status.code == Status.STATUS_CODE_OK, f"{root.status}")
    told = [e.event_name for e in logs if e.span_id == root.span_id]
    expect(told[0] == "deputy.run_started" and told[-1] == "deputy.run_ended", f"{told}")
    # In JSON these are digits, and so many (the one exception from protocol buffers' own JSON).
    numbers = [s for r in records for s in re.findall(r'"(?:trace|span)Id": "([^"]*)"', json.dumps(r))]
    expect({len(n) for n in numbers} == {16, 32}, f"{set(map(len, numbers))}")
    expect(all(re.fullmatch("[0-9a-f]+", n) for n in numbers), "numbers are in hex")
    again = await world.cli("export", "--all", "--format", "otlp")
    expect(again == records, "the same at another time")
