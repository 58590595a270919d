"""What works: pair, list, listen, answer, pay, reconnect."""

import json

import deputy_ffi as core
from app import App, pair
from world import expect

EFFECT = "export default async () => { await tools.notify.send({title: 't', body: 'b'}); return 7; }"


async def pairs_and_both_screens_show_the_same_phrase(world):
    paired = await pair(world)
    expect([right.is_OTHER() for right in paired.rights] == [False] * 3, f"{paired.rights}")
    world.paired = paired
    world.automation = await world.install("one", {"capabilities": {"notify.send": {}}}, EFFECT)
    world.app = await App(paired.device).opened()
    devices = await world.app.agent.devices()
    expect([device.id for device in devices] == [paired.id], f"{devices}")
    expect(devices[0].name == "phone" and devices[0].is_here, f"{devices}")


async def runs_something_and_lists_everything_in_types(world):
    agent = world.app.agent
    answer = await world.app.do(core.Act.AUTOMATION_RUN(automation=world.automation))
    expect(answer.is_RUN_CHANGED(), f"{answer}")
    run = answer[0].id
    await world.app.told.until(lambda: ended(world.app, run))
    status = await agent.status()
    expect(status.automations.active == 1 and status.needs_open == 0, f"{status}")
    (automation,) = await agent.automations(False)
    expect(automation.id == world.automation and automation.state.is_ACTIVE(), f"{automation}")
    expect(automation.last_run_state.is_SUCCEEDED(), f"{automation}")
    detail = await agent.automation(world.automation)
    expect(detail.automation.name == "one" and detail.script == EFFECT, f"{detail}")
    expect(any(clause.kind == "capability" and clause.enforced for clause in detail.plain_words), "")
    (only,) = await agent.runs(world.automation, None, 10)
    expect(only.id == run and only.state.is_SUCCEEDED() and json.loads(only.result) == 7, f"{only}")
    expect(await agent.runs(None, "failed", 10) == [], "a run failed")
    shown = await agent.run(run)
    (step,) = shown.journal
    expect(step.tool == "notify.send" and step.state.is_DONE(), f"{step}")
    expect(not step.effect_class.is_OTHER() and json.loads(step.args)["title"] == "t", f"{step}")
    (came,) = await agent.inputs(world.automation, None, 10)
    expect(came.source.is_MANUAL() and came.state.is_DONE(), f"{came}")
    (went,) = await agent.outputs(None, 10)
    expect(went.run == run and went.state.is_DONE(), f"{went}")
    traced = await agent.input(came.id)
    expect([output.id for output in traced.outputs] == [went.id], f"{traced}")
    expect(await agent.needs(True) == [] and await agent.connections() == [], "")
    version = await agent.contract(world.automation, None)
    expect(version.version == 1 and json.loads(version.contract)["contract"] == 1, f"{version}")
    same = await agent.contract_diff(world.automation, 1, 1)
    expect(same.verdict.is_SAME() and same.changes == [], f"{same}")
    # And without names, as views have it.
    answer = await agent.ask(core.Question.RUNS(automation=None, state=None, before=None, limit=1), 20_000)
    expect(answer.is_RUNS() and answer[0] == [only], f"{answer}")


def ended(app, run):
    return any(event.kind == "run_ended" and event.run == run for event in app.told.events())


async def a_proposal_is_made_read_and_accepted_and_the_chat_shows_it(world):
    agent = world.app.agent
    words = "remind me every weekday at 9 to stand up"
    answer = await world.app.do(core.Act.SAY(text=words, automation=None, timezone="UTC"))
    proposal = answer[0]
    expect(answer.is_ONE_PROPOSAL() and proposal.state.is_PROPOSED(), f"{answer}")
    expect(proposal.plain_words and proposal.preview.state.is_OK(), f"{proposal}")
    expect((await agent.proposal(proposal.id)).id == proposal.id, "another proposal")
    accept = core.Act.PROPOSAL_ACCEPT(proposal=proposal.id, confirm=[])
    answer = await world.app.do(accept)
    expect(answer[0].state.is_ACCEPTED(), f"{answer}")
    lines = await agent.chat(None, 0, 50)
    expect(any(line.author == "user" and line.text == words for line in lines), f"{lines}")
    expect(any(line.proposal == proposal.id for line in lines), f"{lines}")
    answer = await world.app.do(core.Act.AUTOMATION_PAUSE(automation=proposal.automation))
    expect(answer.is_AUTOMATION_CHANGED() and answer[0].state.is_PAUSED(), f"{answer}")
    answer = await world.app.do(core.Act.AUTOMATION_ARCHIVE(automation=proposal.automation))
    expect(answer[0].state.is_ARCHIVED(), f"{answer}")


async def is_told_what_happens_in_order_and_once(world):
    app = world.app
    before = len(app.told.events())
    number = await app.agent.command(core.Act.AUTOMATION_RUN(automation=world.automation))
    run = (await app.applied(number))[0].id
    await app.told.until(lambda: ended(app, run))
    kinds = [event.kind for event in app.told.events()[before:] if event.run == run]
    expect(kinds.index("run_started") < kinds.index("run_ended"), f"{kinds}")
    numbers = [event.seq for event in app.told.events()]
    expect(numbers == sorted(set(numbers)), f"not in order: {numbers}")
    states = app.told.fates(number)
    expect(states == ["WAITING", "SENT", "APPLIED"], f"{states}")
    expect(await app.agent.forget(number), "it was not forgotten")
    forgotten = core.Notice.COMMAND_FORGOTTEN(id=number)
    await app.told.until(lambda: forgotten in app.told.notices)
    expect(not await app.agent.withdraw(number), "what was applied was withdrawn")


async def answers_an_approval_that_it_sees_in_a_view(world):
    contract = {
        "capabilities": {"notify.send": {}},
        "requires_approval": [{"of": "notify.send"}],
    }
    asking = await world.install("asking", contract, EFFECT)
    app, question = world.app, core.Question.NEEDS(all=False)
    await app.agent.watch(question)
    run = (await app.do(core.Act.AUTOMATION_RUN(automation=asking)))[0].id

    async def seen():
        view = await app.agent.view(question)
        return view and view.answer and view.answer[0]

    (need,) = await app.told.until(seen)
    expect(need.kind.is_APPROVAL() and need.state.is_OPEN() and need.run == run, f"{need}")
    expect(need.call.tool == "notify.send" and json.loads(need.call.args)["body"] == "b", f"{need}")
    expect("approve" in [choice.id for choice in need.choices], f"{need}")
    waiting = (await app.agent.run(run)).run
    expect(waiting.state.is_WAITING() and waiting.waiting_for.is_APPROVAL(), f"{waiting}")
    answer = core.Act.NEED_ANSWER(item=need.id, choice="approve", note="from afar")
    answered = (await app.do(answer))[0]
    expect(answered.state.is_ANSWERED() and answered.answered_by == f"device {world.paired.id}", f"{answered}")
    await app.told.until(lambda: ended(app, run))

    async def gone():
        view = await app.agent.view(question)
        return view.answer[0] == []

    await app.told.until(gone)
    expect((await app.agent.need(need.id)).answer == "approve", "another answer")
    await app.agent.unwatch(question)
    expect((await world.runs(asking))[0]["state"] == "succeeded", "the run did not end well")


async def what_a_model_costs_and_asks_is_seen(world):
    usage = {"input": 2000, "output": 1000}
    short = {"reply": {"text": "short", "usage": usage}}
    choices = ["red", "blue"]
    ask = {"name": "ask", "input": {"question": "Which colour?", "choices": choices}}
    await world.start_model([short, short, {"reply": {"calls": [ask]}}])
    script = "export default async () => (await tools.llm.summarize({text: 'long', max_words: 9})).text"
    thinking = await world.install("thinking", {"capabilities": {"llm.summarize": {}}}, script)
    app = world.app
    run = (await app.do(core.Act.AUTOMATION_RUN(automation=thinking)))[0].id
    await app.told.until(lambda: ended(app, run))
    expect((await app.agent.run(run)).run.cost_micros == 21_000, "another price")
    for by, what in (("run", run), ("automation", thinking), ("tool", "llm.summarize")):
        found = [line for line in await app.agent.costs(by, 3_600_000) if line.id == what]
        expect(len(found) == 1 and found[0].calls >= 1, f"{by}: {found}")
        expect(found[0].cost_micros == 21_000 * found[0].calls, f"{by}: {found}")
    words = "paint the shed in my favourite colour"
    asked = (await app.do(core.Act.SAY(text=words, automation=None, timezone=None)))[0]
    expect(asked.state.is_QUESTION() and asked.question.choices == choices, f"{asked}")
    need = await app.agent.need(asked.question.item)
    expect(need.kind.is_QUESTION() and need.title.find("Which colour?") >= 0, f"{need}")
    answer = await app.do(core.Act.PROPOSAL_DECLINE(proposal=asked.id))
    expect(answer.is_FINISHED() and answer[0].message, f"{answer}")
    expect((await app.agent.need(need.id)).state.is_WITHDRAWN(), "the question is still open")


async def what_is_said_while_the_relay_is_down_is_done_once_when_it_is_back(world):
    app = world.app
    before = await world.runs(world.automation)
    await world.relay.kill9()
    # As an app is told by its platform; by itself it finds out when it asks something.
    await app.agent.network_changed()
    expect(not app.is_open(), f"{app.agent.line()}")
    act = core.Act.AUTOMATION_RUN(automation=world.automation)
    number = await app.agent.command(act)
    withdrawn = await app.agent.command(act)
    expect(await app.agent.withdraw(withdrawn), "what was never sent could not be withdrawn")
    # The app is closed, too.
    await app.agent.let_go()
    world.app = app = App(app.device, app.directory)
    (kept,) = [one for one in await app.agent.commands() if not one.state.is_APPLIED()]
    expect(kept.id == number and kept.act == act and kept.state.is_WAITING(), f"{kept}")
    await world.start_relay()
    # The agent finds out as soon as it says something to the old relay: it shows another link.
    await world.begin_pairing()
    await app.agent.network_changed()
    run = (await app.applied(number))[0].id
    await app.told.until(lambda: ended(app, run))
    after = await world.runs(world.automation)
    expect(len(after) == len(before) + 1 and after[0]["id"] == run, f"{after}")
    numbers = [event.seq for event in app.told.events()]
    expect(numbers == sorted(set(numbers)), f"not in order: {numbers}")


async def sleeps_and_wakes_with_the_app(world):
    app = world.app
    await app.opened()
    await app.agent.suspend()
    expect(app.agent.line().is_RESTING(), f"{app.agent.line()}")
    await app.agent.resume()
    await app.opened()
    expect((await app.agent.status()).runs_active == 0, "a run is active")
    expect(await app.agent.device() == app.device, "the device is another")


CHECKS = [
    pairs_and_both_screens_show_the_same_phrase,
    runs_something_and_lists_everything_in_types,
    a_proposal_is_made_read_and_accepted_and_the_chat_shows_it,
    is_told_what_happens_in_order_and_once,
    answers_an_approval_that_it_sees_in_a_view,
    what_a_model_costs_and_asks_is_seen,
    what_is_said_while_the_relay_is_down_is_done_once_when_it_is_back,
    sleeps_and_wakes_with_the_app,
]
