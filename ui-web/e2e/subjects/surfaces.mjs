// Every place in every state that it has, on a phone and a desktop, light and dark: nothing that axe
// finds, nothing that scrolls sideways, also at 320 px and twice the size. Leaves a picture of each.

import { AxeBuilder } from '@axe-core/playwright'
import { Web } from '../outside.mjs'
import { Agent, DESKTOP, PHONE, connected, fits, shot, until } from '../world.mjs'

/** What can be shown: name and path. */
const PLACES = [
  ['needs', '/needs'],
  ['chat', '/chat'],
  ['automations', '/automations'],
  ['runs', '/runs'],
  ['costs', '/costs'],
  ['connections', '/connections'],
  ['devices', '/devices'],
  ['settings', '/settings'],
  ['more', '/more'],
  ['nothing', '/nowhere'],
]
const FILLED = [
  ...PLACES,
  ['need', '/needs/n1'],
  ['proposal', '/proposals/p1'],
  ['automation', '/automations/a2'],
  ['automation-items', '/automations/a2/items'],
  ['automation-runs', '/automations/a2/runs'],
  ['automation-versions', '/automations/a2/versions'],
  ['input', '/inputs/i1'],
  ['run', '/runs/r1'],
  ['run-failed', '/runs/r2'],
  ['not-there', '/runs/r99999'],
]
/** Each theme on one size: axe takes its time. The other two are seen while there is something to see. */
const LOOKS = [
  ['phone', PHONE, 'dark'],
  ['desktop', DESKTOP, 'light'],
]
const OTHER = { phone: 'light', desktop: 'dark' }
const NARROW = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }
/** A desktop at 200 %: half the points, each twice as fine. */
const ZOOMED = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }

async function fill(agent) {
  const web = await new Web().up()
  web.put('/offers.json', { offers: [{ id: 'l1', title: 'Lamp', price: 40 }] })
  web.cut('/order')
  await agent.cli('delegate', 'remind me every weekday at 9 to stand up')
  const contract = {
    purpose: 'Read the offers, note each, and order the cheap ones',
    triggers: [{ cron: '0 8 * * 1-5' }, { manual: true }],
    capabilities: {
      'web.fetch': { hosts: [web.host] },
      'web.request': { hosts: [web.host] },
      'notes.put': {},
      'notify.send': {},
    },
    invariants: [{ max: 20, of: 'notify.send', per: 'day' }],
    assumptions: ['An offer is new when it was never noted'],
    success: 'Every offer is noted once',
  }
  const script = `export default async (ctx) => {
    const { json } = await tools.web.fetch({ url: '${web.url}/offers.json', as: 'json' });
    for (const one of json.offers) await tools.notes.put({ name: one.id, text: one.title });
    await tools.notify.send({ title: 'One offer', body: json.offers[0].title, once: 'offers' });
    if (ctx.input?.fail) throw new TypeError("cannot read property 'price' of undefined");
    if (ctx.input?.order) await tools.web.request({ url: '${web.url}/order', method: 'POST', json: { lamp: 1 } });
    return { offers: json.offers.length };
  };`
  const automation = await agent.install('Offers', contract, script)
  const run = (input) =>
    agent.cli('automation', 'run', automation, '--no-wait', '--input', JSON.stringify(input))
  for (const input of [{}, { fail: true }, { order: true }]) {
    const before = (await agent.cli('runs')).length
    await run(input)
    await until('the run', async () => {
      const runs = await agent.cli('runs')
      return runs.length > before && !/queued|running/.test(runs[0].state)
    })
  }
  const server = ['--smtp-host', '127.0.0.1', '--smtp-port', '9', '--tls', 'none', '--from', 'me@example.org']
  await agent.cli('connect', 'mail', ...server)
}

export default async function surfaces(stage) {
  const agent = await new Agent('surfaces').up()
  const pages = new Map()

  /** Visits places; pictures are called after the look and the state. */
  async function visit(page, look, state, places, then) {
    for (const [name, path] of places) {
      await page.goto(agent.address + path)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      await then?.(page)
      if (!state.startsWith('loading')) {
        await until(`${path} to be there`, async () => (await page.locator('.skeleton').count()) === 0)
      }
      await shot(page, `${look}-${state}-${name}`)
      const [size, scheme] = look.split('-')
      if (state === 'filled') {
        await page.emulateMedia({ colorScheme: OTHER[size] })
        await shot(page, `${size}-${OTHER[size]}-${state}-${name}`)
        await page.emulateMedia({ colorScheme: scheme })
      }
      await fits(page, `${look} ${state} ${path}`)
      const { violations } = await new AxeBuilder({ page }).analyze()
      for (const { id, nodes } of violations) {
        stage.trouble.push(`${look} ${state} ${path}: ${id}: ${nodes.map((node) => node.html).join(' ')}`)
      }
    }
  }
  const every = async (state, places, then) => {
    const visits = LOOKS.map(([size, , scheme]) => {
      return visit(pages.get(`${size}-${scheme}`), `${size}-${scheme}`, state, places, then)
    })
    await Promise.all(visits)
  }
  const here = async (page) => connected(page).waitFor()

  return {
    async 'before there is an agent: without a link, with a bad one, and comparing'() {
      for (const [size, options, colorScheme] of LOOKS) {
        const page = await stage.page({ ...options, colorScheme, reducedMotion: 'reduce' })
        pages.set(`${size}-${colorScheme}`, page)
        await visit(page, `${size}-${colorScheme}`, 'first', [['none', '/']])
        await visit(page, `${size}-${colorScheme}`, 'first', [['bad', `/?bad#${'A'.repeat(200)}`]])
        const { link } = await agent.cli('pair')
        await visit(
          page,
          `${size}-${colorScheme}`,
          'first',
          [['compare', `/?new#${link.split('#')[1]}`]],
          (at) => at.locator('.phrase').waitFor(),
        )
        await agent.pair(page)
      }
    },

    async empty() {
      await every('empty', PLACES.slice(0, 6), here)
    },

    async filled() {
      await fill(agent)
      await every('filled', FILLED, here)
    },

    async 'at 320 px, and at twice the size'() {
      for (const [name, options] of [
        ['narrow', NARROW],
        ['zoomed', ZOOMED],
      ]) {
        const page = await stage.page({ ...options, reducedMotion: 'reduce' })
        await agent.pair(page)
        for (const [what, path] of FILLED) {
          await page.goto(agent.address + path)
          await here(page)
          await page.getByRole('heading', { level: 1 }).first().waitFor()
          await fits(page, `${name} ${path}`)
          const cut = await page.evaluate(cutOff)
          if (cut.length > 0) throw new Error(`${name} ${path} cuts off: ${cut.join(' | ')}`)
          await shot(page, `${name}-${what}`)
        }
        await page.context().close()
      }
    },

    async 'loading: shown at once, with what is coming'() {
      for (const [size, , scheme] of LOOKS) {
        const page = pages.get(`${size}-${scheme}`)
        await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
        // The agent is there and says nothing for the moment.
        agent.child.kill('SIGSTOP')
        try {
          await visit(page, `${size}-${scheme}`, 'loading', [['run', '/runs/r3']], (at) =>
            at
              .locator('.skeleton')
              .evaluate((one) => Promise.all(one.getAnimations().map((each) => each.finished))),
          )
        } finally {
          agent.child.kill('SIGCONT')
        }
        await here(page)
      }
    },

    async 'away and stale: what was known, and since when'() {
      await agent.kill()
      await every(
        'away',
        [
          ['needs', '/needs'],
          ['automations', '/automations'],
          ['run', '/runs/r1'],
          ['unknown', '/inputs/i3'],
        ],
        (page) => page.locator('.line-strip').waitFor(),
      )
      await agent.up()
    },

    async 'motion is only for those who want it'() {
      const page = pages.get('desktop-light')
      await page.goto(`${agent.address}/automations`)
      await here(page)
      const longest = await page.evaluate(() => {
        const all = [...document.querySelectorAll('*')].flatMap((one) => {
          const { animationDuration, transitionDuration } = getComputedStyle(one)
          return `${animationDuration},${transitionDuration}`.split(',').map((each) => parseFloat(each))
        })
        return Math.max(...all)
      })
      if (longest > 0.01) throw new Error(`something moves for ${longest} s`)
      const moving = await stage.page(DESKTOP)
      await agent.pair(moving)
      const quick = await moving.evaluate(
        () => getComputedStyle(document.querySelector('.nav-link')).transitionDuration,
      )
      if (parseFloat(quick) < 0.05) throw new Error('nothing would move anyway')
    },
  }
}

/** Words that are cut off without a sign, and controls outside of the screen; to be run in the page. */
function cutOff() {
  const found = []
  for (const one of document.querySelectorAll('main *, nav *')) {
    const { overflowX, textOverflow, display } = getComputedStyle(one)
    if (display === 'inline' || one.closest('.hidden, .json, .script, select, [data-rac] select')) continue
    const isCut = one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1
    const isTold =
      textOverflow === 'ellipsis' || overflowX === 'auto' || overflowX === 'scroll' || overflowX === 'visible'
    if (isCut && !isTold) found.push(`${one.localName}.${one.className}`)
    if (one.matches('button, a, input, textarea')) {
      const { left, right, width } = one.getBoundingClientRect()
      if (width > 1 && (left < -1 || right > innerWidth + 1)) found.push(one.outerHTML.slice(0, 80))
    }
  }
  return [...new Set(found)]
}
