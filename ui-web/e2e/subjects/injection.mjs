// Whatever an automation, a mail, a feed or a model says is text: nothing of it runs, becomes an
// element, is fetched, or hides.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MailServer, Web } from '../outside.mjs'
import { ELEMENTS, KINDS, SHORT, everything, fileName, foreign, payload, tripwire } from '../payloads.mjs'
import { Agent, DESKTOP, PHONE, connected, fits, shot, until } from '../world.mjs'

/** Says something hostile with everything that a script can say. */
const SCRIPT = `export default async function main(ctx) {
  const page = await tools.web.fetch({ url: ctx.params.url, as: 'text' });
  console.log(ctx.params.log);
  for (const [kind, text] of Object.entries(ctx.params.each)) {
    await tools.notify.send({ title: text.title, body: text.body, once: kind });
    await tools.notes.put({ name: 'note-' + kind, text: text.note });
    await ctx.emit({ topic: 'item', id: kind, title: text.item, payload: { [text.key]: text.value } });
  }
  return { [ctx.params.log]: page.text };
}
export const on = { item: async (ctx) => { throw new Error(ctx.params.error + ctx.input.title); } };
`

/** Asks before it mails, and then fails with a message of its own. */
const ASKING = `export default async function main(ctx) {
  await tools.mail.send({ connection: 'mail', to: ['ana@example.org'], subject: ctx.params.subject.slice(0, 900).replace(/[\\r\\n]/g, ' '), text: ctx.params.text, once: 'm' });
}
`

/** Does with files what leaves their names behind: in steps, outputs, the log, and an error. */
const FILING = `export default async function main(ctx) {
  if (ctx.trigger.kind === 'file') return ctx.input;
  const { inbox, kept, missing } = ctx.params;
  const { entries } = await tools.files.list({ path: inbox });
  for (const { name } of entries) {
    await tools.files.stat({ path: inbox + '/' + name });
    await tools.files.copy({ from: inbox + '/' + name, to: kept + '/' + name });
  }
  console.log(entries.map((entry) => entry.name).join('\\n'));
  await tools.files.read({ path: inbox + missing });
}
`

/** Asks before it moves a file. */
const MOVING = `export default async ({ params: { from, to } }) => { await tools.files.move({ from, to }); };
`

export default async function injection(stage) {
  const web = await new Web().up()
  const mail = await new MailServer('secret').up()
  const agent = await new Agent('injection').up()
  const desk = await stage.page(DESKTOP)
  const hand = await stage.page(PHONE)
  const asked = []
  for (const page of [desk, hand]) {
    await page.addInitScript(tripwire)
    page.on('request', (request) => asked.push(request.url()))
    page.on('dialog', (dialog) => {
      stage.trouble.push(`it asked: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('popup', () => stage.trouble.push('a window was opened'))
    page.on('download', () => stage.trouble.push('a file was downloaded'))
  }
  web.put('/page', everything('page'), 'text/plain')

  /** Marks that were seen on some place. */
  const marks = new Set()
  /** Nothing on a place is made of anybody's words; everything that folds is unfolded. */
  async function look(page, place, then) {
    if (place) await page.goto(agent.address + place)
    await connected(page).waitFor()
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await until(`${place} to be there`, async () => (await page.locator('.skeleton').count()) === 0)
    await then?.()
    // What unfolds may hold more that unfolds.
    for (let depth = 0; depth < 3; depth++) {
      await page.evaluate(() => {
        const folded = '[aria-expanded=false]:not([aria-haspopup]), .json-toggle:not([aria-expanded])'
        for (const one of document.querySelectorAll(`main :is(${folded})`)) {
          one.dispatchEvent(new PointerEvent('click', { bubbles: true }))
        }
      })
    }
    const found = await page.evaluate(foreign, ELEMENTS)
    if (found.length > 0) throw new Error(`${place}: ${[...new Set(found)].slice(0, 8).join('\n')}`)
    for (const [mark] of (await page.locator('body').innerText()).matchAll(/@\w+-\w+@/g)) marks.add(mark)
    await fits(page, place)
  }
  /** On both, so that what only one of them shows is looked at, too. */
  const both = async (place, then) => {
    await look(desk, place, then && (() => then(desk)))
    await look(hand, place, then && (() => then(hand)))
  }
  const shown = (...fields) => shownOf(KINDS, ...fields)
  const shownOf = (kinds, ...fields) => {
    const missing = fields.flatMap((field) =>
      kinds.filter((kind) => !marks.has(`@${kind}-${field}@`)).map((kind) => `${kind}-${field}`),
    )
    if (missing.length > 0) throw new Error(`never shown: ${missing.join(' ')}`)
  }
  const each = Object.fromEntries(
    KINDS.map((kind) => {
      const of = (field) => payload(kind, field)
      return [
        kind,
        {
          title: of('title'),
          body: of('body'),
          note: of('note'),
          item: of('item'),
          key: of('key'),
          value: of('value'),
        },
      ]
    }),
  )
  const words = (field) => KINDS.map((kind) => payload(kind, field))

  return {
    async 'devices and connections'() {
      await agent.pair(desk)
      await agent.pair(hand)
      const server = [
        '--smtp-host',
        '127.0.0.1',
        '--smtp-port',
        String(mail.port),
        '--tls',
        'none',
        '--from',
        'me@example.org',
      ]
      for (const kind of KINDS) {
        // The command line takes no zero byte.
        const name = payload(kind, 'connection').replaceAll('\0', '')
        await agent.tell(
          'secret',
          'connect',
          'mail',
          '--name',
          name,
          ...server,
          '--username',
          payload(kind, 'account').replaceAll('\0', ''),
          '--password-stdin',
        )
      }
      await agent.tell(
        'wrong',
        'connect',
        'mail',
        '--name',
        'mail',
        ...server,
        '--username',
        'me',
        '--password-stdin',
      )
      await both('/connections')
      await both('/devices')
      const names = await agent.cli('connections')
      if (names.length < 2) throw new Error('no connection has such a name')
    },

    async 'an automation: name, purpose, clauses, steps, items, results, log, errors'() {
      const contract = {
        purpose: everything('purpose'),
        params: { url: `${web.url}/page`, log: everything('log'), error: everything('error'), each },
        capabilities: { 'web.fetch': { hosts: [web.host] }, 'notify.send': {}, 'notes.put': {} },
        assumptions: words('assumption'),
        non_goals: words('non_goal'),
        success: everything('success'),
        budget: { steps: 5_000 },
      }
      const file = await agent.install(everything('name'), contract, SCRIPT)
      await agent.cli('automation', 'run', file)
      await both('/automations')
      await both(`/automations/${file}`)
      await both(`/automations/${file}/versions`)
      await both(`/automations/${file}/items`)
      await both(`/automations/${file}/runs`)
      await both('/runs')
      await both('/runs/r1')
      await until('the items', async () => (await agent.cli('inputs')).length > KINDS.length)
      const [input] = await agent.cli('inputs')
      await both(`/inputs/${input.id}`)
      shown(
        'name',
        'purpose',
        'assumption',
        'non_goal',
        'success',
        'log',
        'item',
        'title',
        'body',
        'note',
        'page',
      )
    },

    async 'what needs a person, and the chat'() {
      const params = { subject: everything('subject'), text: everything('text') }
      const contract = {
        purpose: 'Ask first',
        params,
        capabilities: { 'mail.send': { connections: ['mail'], recipients: ['ana@example.org'] } },
        requires_approval: [{ of: 'mail.send' }],
      }
      const automation = await agent.install('Ask first', contract, ASKING)
      await agent.cli('automation', 'run', automation, '--no-wait')
      const need = await agent.need('approval')
      await both('/needs')
      await both(`/needs/${need.id}`)
      for (const kind of KINDS) {
        await agent.cli('delegate', payload(kind, 'said').replaceAll('\0', ''))
      }
      await both('/chat')
      await both(`/chat?automation=${automation}`)
      const failed = (await agent.cli('needs')).find((one) => one.kind === 'logic')
      await both(`/needs/${failed.id}`)
      shown('text', 'error')
    },

    async 'names of files: what came in, steps, results, errors, and what is asked'() {
      const root = join(agent.home, 'files')
      const folder = (name) => {
        mkdirSync(join(root, name), { recursive: true })
        return join(root, name)
      }
      const [inbox, kept] = [folder('inbox'), folder('kept')]
      // As deep as a path may be, each folder of another name.
      const deep = (field) => `/${KINDS.map((kind) => fileName(kind, field, 120)).join('/')}`
      const grant = (...operations) =>
        Object.fromEntries(operations.map((one) => [`files.${one}`, { folders: [root] }]))
      const filing = await agent.install(
        'Files',
        {
          triggers: [{ manual: true }, { file: inbox }],
          params: { inbox, kept, missing: deep('missing') },
          capabilities: grant('list', 'stat', 'read', 'copy'),
          budget: { steps: 5_000 },
        },
        FILING,
      )
      for (const kind of KINDS) writeFileSync(join(inbox, fileName(kind, 'file')), '')
      const named = async (kind) => (await agent.cli(kind)).filter((one) => one.automation === filing)
      await until('an item of each file', async () => (await named('inputs')).length >= KINDS.length)
      const run = await agent.cli('automation', 'run', filing)
      if (!run.failure?.includes('missing')) throw new Error(`it ended otherwise: ${run.failure}`)
      const [input] = await named('inputs')
      await both(`/automations/${filing}`)
      await both(`/automations/${filing}/items`)
      await both('/runs')
      await both(`/inputs/${input.id}`)
      await both(`/runs/${run.id}`)
      const from = deep('from')
      mkdirSync(join(root, from), { recursive: true })
      writeFileSync(join(root, from, 'file'), '')
      const params = { from: `${root}${from}/file`, to: join(kept, fileName('image', 'to')) }
      const contract = { params, capabilities: grant('move'), requires_approval: [{ of: 'files.move' }] }
      const moving = await agent.install('Move', contract, MOVING)
      await agent.cli('automation', 'run', moving, '--no-wait')
      await until('to be asked', async () =>
        (await agent.cli('needs')).some((one) => one.automation === moving),
      )
      await both('/needs')
      for (const need of await agent.cli('needs')) {
        if (need.automation === moving || need.automation === filing) await both(`/needs/${need.id}`)
      }
      await both(`/chat?automation=${moving}`)
      await both(`/automations/${moving}`)
      shown('file', 'missing', 'from')
      shownOf(['image'], 'to')
    },

    async 'what a model says: questions, choices, proposals, doubts, refusals'() {
      const bundle = {
        bundle: 1,
        name: everything('planned'),
        contract: {
          contract: 1,
          purpose: everything('aim'),
          timezone: 'UTC',
          triggers: [{ manual: true }],
          capabilities: { 'notify.send': {} },
          assumptions: words('guess'),
        },
        script: `export default async () => { for (const title of ${JSON.stringify(words('would'))}) await tools.notify.send({ title, once: title.slice(0, 40) }); };`,
      }
      await agent.model([
        {
          reply: {
            calls: [
              {
                name: 'ask',
                input: {
                  question: everything('question', SHORT),
                  choices: KINDS.slice(0, 4).map((kind) => payload(kind, 'choice')),
                },
              },
            ],
          },
        },
        { reply: { calls: [{ name: 'propose', input: { bundle } }] } },
      ])
      await agent.cli('delegate', `Do something ${everything('wish').replaceAll('\0', '')}`)
      const question = await agent.need('question')
      await both('/chat')
      await both(`/needs/${question.id}`)
      shownOf(SHORT, 'question')
      await agent.cli('need', 'answer', question.id, '1', '--note', everything('note').replaceAll('\0', ''))
      await until('the proposal', async () => {
        const lines = await agent.cli('chat', '--limit', '200')
        return lines.some((line) => line.kind === 'proposal')
      })
      await both('/chat')
      shown('planned', 'aim', 'guess', 'would')
      await shot(desk, 'desktop-hostile-proposal')
      await shot(hand, 'phone-hostile-proposal')
    },

    async 'dialogs and the palette'() {
      await both('/automations/a1', async (page) => {
        await page.getByRole('button', { name: 'Archive this automation' }).click()
        const dialog = page.getByRole('alertdialog').filter({ hasText: '@script-name@' })
        await dialog.waitFor()
        const wide = await dialog.evaluate((one) => one.scrollWidth - one.clientWidth)
        if (wide > 0) throw new Error(`the dialog is too wide inside by ${wide} px`)
        for (const button of await dialog.getByRole('button').all()) {
          const isThere = await button.evaluate((one) => {
            const { left, top, width, height } = one.getBoundingClientRect()
            return one.contains(document.elementFromPoint(left + width / 2, top + height / 2))
          })
          if (!isThere) throw new Error('a button of the dialog is out of sight')
        }
      })
      await shot(desk, 'desktop-hostile-dialog')
      await desk.keyboard.press('Escape')
      await look(desk, '/automations', async () => {
        await desk.keyboard.press('Control+k')
        await desk.getByRole('dialog', { name: 'Go to' }).filter({ hasText: '@script-name@' }).waitFor()
      })
      await shot(desk, 'desktop-hostile-palette')
    },

    async 'and nobody else was asked for anything'() {
      const elsewhere = asked.filter((url) => !url.startsWith(agent.address) && !url.startsWith('data:'))
      if (elsewhere.length > 0) throw new Error(elsewhere.join('\n'))
      if (asked.length === 0) throw new Error('nothing was looked at')
    },
  }
}
