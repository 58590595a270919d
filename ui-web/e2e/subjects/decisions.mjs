// What a person decides, from the first words on: a question, a proposal, an approval, an account that
// must be renewed, a doubt, a wider contract, a limit, a lost device. A second browser looks on.

import { MailServer, Web } from '../outside.mjs'
import { Agent, DESKTOP, PHONE, connected, seen, shot, until } from '../world.mjs'

const MAIN = `export default async function main(ctx) {
  const { json } = await tools.web.fetch({ url: ctx.params.url + '/offers.json', as: 'json' });
  const { json: stock } = await tools.web.fetch({ url: ctx.params.url + '/stock.json', as: 'json' });
  for (const offer of json.offers) {
    await tools.mail.send({ connection: 'mail', to: ['ana@example.org', 'team@example.org'], subject: 'Offer: ' + offer.title,
      text: offer.title + ' for ' + offer.price + ' EUR, ' + stock[offer.id] + ' left.', once: offer.id });
  }
  await tools.web.request({ url: ctx.params.url + '/order', method: 'POST', json: { looked: json.offers.length } });
  return { offers: json.offers.length };
}
`

/** Passes items on; \`field\` is what their title is read from. */
const passing = (url, field) => `export default async function main(ctx) {
  const { json } = await tools.web.fetch({ url: '${url}/items.json', as: 'json' });
  for (const item of json.items) await tools.notify.send({ title: (${field}).trim(), once: item.id });
  return { passed: json.items.length };
}
`

function contracts(url, host, elsewhere) {
  const asked = {
    contract: 1,
    purpose: 'Each morning, mail offers to Ana',
    timezone: 'UTC',
    triggers: [{ cron: '0 8 * * *' }, { manual: true }],
    params: { url },
    capabilities: {
      'web.fetch': { hosts: [host] },
      'web.request': { hosts: [host] },
      'mail.send': { connections: ['mail'], recipients: ['ana@example.org', 'team@example.org'] },
    },
    requires_approval: [{ of: 'mail.send' }],
    assumptions: ['An offer is new when it was never mailed'],
  }
  const items = (...hosts) => ({
    contract: 1,
    purpose: 'Pass items on',
    timezone: 'UTC',
    triggers: [{ manual: true }],
    capabilities: { 'web.fetch': { hosts }, 'notify.send': {} },
  })
  return { asked, narrow: items(host), wide: items(host, elsewhere) }
}

/** What the provider says: it plans the first errand, and repairs the second. */
function said(url, { asked, wide }) {
  const call = (name, input, expect = {}) => ({ expect, reply: { calls: [{ name, input }] } })
  const look = `const page = await tools.web.fetch({ url: '${url}/offers.json', as: 'json' }); return page.json.offers.length;`
  return [
    call('ask', { question: 'Which Ana is it?', choices: ['ana@example.org', 'ana.lindt@example.org'] }),
    call('eval', { code: look }, { last_contains: ['The user answers: ana@example.org'] }),
    call('propose', { bundle: { bundle: 1, name: 'Offers to Ana', contract: asked, script: MAIN } }),
    call('needs_contract_change', { contract: wide, reason: 'the items moved to another host' }),
    call(
      'propose_fix',
      { script: passing(url, 'item.title ?? item.name'), reason: 'the title has another name now' },
      { last_contains: ['accepted'] },
    ),
  ]
}

export default async function decisions(stage) {
  const web = await new Web().up()
  const mail = await new MailServer('new password').up()
  const agent = await new Agent('decisions').up()
  const terms = contracts(web.url, web.host, 'files.example.org')
  const here = await stage.page(DESKTOP)
  const there = await stage.page(PHONE)
  web.put('/offers.json', { offers: [{ id: 'l1', title: 'Lamp', price: 40 }] })
  web.put('/stock.json', { l1: 3 })
  web.put('/order', 'ok', 'text/plain')
  await agent.model(said(web.url, terms))
  const connect = (password) => {
    const server = ['--smtp-host', '127.0.0.1', '--smtp-port', String(mail.port), '--tls', 'none']
    const who = ['--from', 'me@example.org', '--username', 'me', '--password-stdin']
    return agent.tell(password, 'connect', 'mail', ...server, ...who)
  }
  await connect('old password')

  const card = (page, need) => page.locator(`article[aria-labelledby="title-${need.id}"]`)
  /** Answers an item where it is listed, and sees it go in both browsers. */
  async function answer(need, button, name) {
    await here.goto(`${agent.address}/needs`)
    for (const page of [here, there]) await card(page, need).waitFor()
    await shot(here, `desktop-need-${name}`)
    await shot(there, `phone-need-${name}`)
    await card(here, need).getByRole('button', { name: button, exact: true }).click()
    for (const page of [here, there]) await card(page, need).waitFor({ state: 'detached' })
    const all = await agent.cli('needs', '--all')
    const { state, answered_by: by } = all.find((one) => one.id === need.id)
    if (state !== 'answered') throw new Error(`${need.id} is ${state}`)
    if (by === 'cli') throw new Error('it was not answered by the page')
  }
  const run = async (id) => (await agent.cli('run', 'show', id)).state
  const start = (automation) => agent.cli('automation', 'run', automation, '--no-wait')

  return {
    async 'a first errand in words leads to a question, with its choices, in both browsers'() {
      await agent.pair(here)
      await agent.pair(there)
      await here.goto(`${agent.address}/chat`)
      await there.goto(`${agent.address}/needs`)
      await here.getByRole('textbox').fill(`Mail new offers of ${web.url}/offers.json to Ana each morning`)
      await here.getByRole('button', { name: 'Send' }).click()
      const choice = here.getByRole('button', { name: 'ana@example.org', exact: true })
      await choice.waitFor()
      await seen(there, 'Which Ana is it?')
      await shot(here, 'desktop-chat-question')
      await shot(there, 'phone-need-question')
      await choice.click()
      await there.getByRole('button', { name: 'ana.lindt@example.org' }).waitFor({ state: 'detached' })
    },

    async 'the proposal shows when, what, its limits and a dry run, and is accepted once its doubt is confirmed'() {
      const proposal = here.locator('article.proposal')
      await proposal.waitFor()
      for (const words of [
        'Every day at 08:00 (UTC).',
        'May send mail to ana@example.org and team@example.org through mail.',
        'Offer: Lamp',
        'A dry run, just now',
      ]) {
        await proposal.getByText(words).first().waitFor()
      }
      await shot(here, 'desktop-chat-proposal')
      if (mail.taken.length > 0) throw new Error('the dry run sent a mail')
      const delegate = proposal.getByRole('button', { name: 'Delegate' })
      if (await delegate.isEnabled()) throw new Error('it can be accepted with a doubt')
      for (const box of await proposal.getByRole('checkbox').all()) await box.check({ force: true })
      await delegate.click()
      await until('the automation', async () => (await agent.cli('automations'))[0]?.state === 'active')
      await seen(here, /Proposal, accepted/)
    },

    async 'a run’s timeline grows while it runs'() {
      const release = web.hold('/stock.json', { l1: 3 })
      await here.goto(`${agent.address}/automations/a1`)
      await here.getByRole('button', { name: 'Run now' }).click()
      await until('the run', async () => (await agent.cli('runs'))[0])
      await here.goto(`${agent.address}/runs/r1`)
      const steps = here.locator('.entry-step')
      // A read is on record once it is done, so the one that is held is not there yet.
      await until('the first step', async () => (await steps.count()) === 1)
      await seen(here, 'Running')
      await shot(here, 'desktop-run-live')
      release()
      await until('the third step', async () => (await steps.count()) === 3)
      await seen(here, /Waits for approval/)
      await shot(here, 'desktop-run-waits')
    },

    async 'an approval shows the exact mail, and only “Approve” sends it'() {
      const need = await agent.need('approval')
      await here.goto(`${agent.address}/needs`)
      for (const words of ['ana@example.org, team@example.org', 'Offer: Lamp', 'Lamp for 40 EUR, 3 left.']) {
        await card(here, need).getByText(words).first().waitFor()
      }
      await answer(need, 'Approve', 'approval')
    },

    async 'an account whose password is no good waits for it to be renewed, and goes on'() {
      const need = await agent.need('auth')
      if (mail.taken.length > 0) throw new Error('it was sent')
      await connect('new password')
      await answer(need, 'It is authorised: go on', 'auth')
      await until('the mail', () => mail.taken.length === 1)
      if (!mail.taken[0].includes('Lamp for 40 EUR, 3 left.')) throw new Error(mail.taken[0])
      await until('the end', async () => (await run('r1')) === 'succeeded')
    },

    async 'an effect in doubt is not done again when it happened'() {
      web.cut('/order')
      web.put('/offers.json', { offers: [] })
      await start('a1')
      const need = await agent.need('in_doubt')
      const before = web.asked.filter((one) => one === 'POST /order').length
      await answer(need, 'It happened', 'in-doubt')
      await until('the end', async () => (await run(need.run)) === 'succeeded')
      const after = web.asked.filter((one) => one === 'POST /order').length
      if (after !== before) throw new Error('it was done again')
      if (mail.taken.length !== 1) throw new Error(`${mail.taken.length} mails`)
    },

    async 'a wider contract is shown in plain words, and is in force once it is accepted'() {
      web.put('/items.json', { items: [{ id: 'i1', title: 'one' }] })
      const automation = await agent.install('Pass items on', terms.narrow, passing(web.url, 'item.title'))
      await agent.cli('automation', 'run', automation)
      web.put('/items.json', { items: [{ id: 'i2', name: 'two' }] })
      await start(automation)
      const need = await agent.need('contract_change')
      await here.goto(`${agent.address}/needs`)
      await card(here, need)
        .getByText(/files\.example\.org/)
        .first()
        .waitFor()
      await card(here, need).getByText('Wider', { exact: true }).waitFor()
      await answer(need, 'Accept the change', 'contract')
      await until('the end', async () => (await run(need.run)) === 'succeeded')
      await here.goto(`${agent.address}/automations/${automation}/versions`)
      await seen(here, 'Version 2')
      await seen(here, 'Wider')
      await shot(here, 'desktop-automation-versions')
    },

    async 'a limit pauses, says so, and is taken up again by a word'() {
      await agent.cli('config', 'set', 'repair.attempts_per_failure', '0')
      const fetches = `for (let n = 0; n < 9; n++) await tools.notes.put({ name: 'n' + n, text: 'x' });`
      const contract = { capabilities: { 'notes.put': {} }, budget: { steps: 5 } }
      const automation = await agent.install(
        'Write notes',
        contract,
        `export default async (ctx) => { ${fetches} };`,
      )
      await start(automation)
      const need = await agent.need('limit')
      await answer(need, 'Leave it paused', 'limit')
      await here.goto(`${agent.address}/automations/${automation}`)
      await seen(here, 'Paused')
      await here.getByRole('button', { name: 'Resume' }).click()
      await until('the automation', async () => {
        return (await agent.cli('automations')).find((one) => one.id === automation).state === 'active'
      })
    },

    async 'an item that is answered at the agent goes in both browsers, unasked'() {
      web.put('/offers.json', { offers: [{ id: 'l2', title: 'Desk', price: 90 }] })
      web.put('/order', 'ok', 'text/plain')
      await start('a1')
      const need = await agent.need('approval')
      await here.goto(`${agent.address}/needs`)
      for (const page of [here, there]) await card(page, need).waitFor()
      await agent.cli('need', 'answer', need.id, 'approve')
      for (const page of [here, there]) await card(page, need).waitFor({ state: 'detached' })
      await until('the end', async () => (await run(need.run)) === 'succeeded')
      if (mail.taken.length !== 2) throw new Error(`${mail.taken.length} mails`)
    },

    async 'a device that is revoked is out, and the other sees it'() {
      await here.goto(`${agent.address}/devices`)
      await connected(here).waitFor()
      const [, second] = await agent.cli('devices')
      await agent.cli('device', 'revoke', second.id)
      await seen(there, /does not know this browser/)
      await seen(here, 'Revoked')
      if (agent.violations) throw new Error(agent.violations)
    },
  }
}
