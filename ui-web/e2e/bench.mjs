// How long the built page takes, with a real agent: `npm run bench`. Figures are printed with the goals;
// it fails only when something does not work at all.

import { loadavg } from 'node:os'
import { weigh } from './subjects/weight.mjs'
import { Agent, DESKTOP, PHONE, browser, connected, end, open, until } from './world.mjs'

const TURNS = Number(process.env.TURNS ?? 5)
/** The “4G” of Lighthouse's table: 9 Mbit/s, and the latency that requests see. */
const MOBILE = {
  offline: false,
  latency: 60,
  downloadThroughput: (9e6 / 8) * 0.9,
  uploadThroughput: (1.5e6 / 8) * 0.9,
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]

/** E.g. `830 ms (760 to 1040)`. */
const spread = (all) =>
  `${Math.round(median(all))} ms (${Math.round(Math.min(...all))} to ${Math.round(Math.max(...all))})`

/**
 * To be run before the page: promises of its states, told by the document itself. Playwright looks only
 * every half second after a while, which would be half of what is measured.
 */
function promises() {
  const conditions = {
    field: () => document.querySelector('.composer textarea:enabled'),
    // Which it is as soon as the page has taken a word.
    sendable: () => document.querySelector('.composer [type=submit]:enabled'),
    open: () => document.querySelector('.line-mark.line-open'),
    // What the agent says now: not what was known before, nor a place for it.
    fresh: () => document.querySelector('.chat') && !document.querySelector('.skeleton, .as-of, .line-strip'),
  }
  window.become = {}
  const waiting = Object.entries(conditions).map(([name, holds]) => {
    let resolve
    window.become[name] = new Promise((resolved) => (resolve = resolved))
    return { holds, resolve, isOver: false }
  })
  new MutationObserver(() => {
    for (const one of waiting) {
      if (one.isOver || !one.holds()) continue
      one.isOver = true
      one.resolve(true)
    }
  }).observe(document, { childList: true, subtree: true, attributes: true })
}

const agent = await new Agent('bench').up()
const chromium = await browser()
const trouble = []

/** A paired page as a slow phone has it. */
async function slow(isKept) {
  const page = await open(await chromium.newContext(PHONE), trouble)
  await agent.pair(page)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  if (!isKept) {
    await page.evaluate(async () => {
      for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister()
      for (const name of await caches.keys()) await caches.delete(name)
    })
    await session.send('Network.clearBrowserCache')
  }
  await session.send('Network.emulateNetworkConditions', MOBILE)
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  return page
}

/**
 * From the address to a word that was typed and could be sent, to a line that is open, and to the agent's own
 * answer in the place of what was known before; ms.
 */
async function interactive(isKept) {
  const page = await slow(isKept)
  await page.addInitScript(promises)
  await page.goto('about:blank')
  const began = performance.now()
  const since = () => performance.now() - began
  await page.goto(`${agent.address}/chat`, { waitUntil: 'commit' })
  const open = page.evaluate(() => window.become.open).then(since)
  const fresh = page.evaluate(() => Promise.all([window.become.open, window.become.fresh])).then(since)
  await page.evaluate(() => window.become.field.then(() => document.querySelector('textarea').focus()))
  // By its keys: `fill` would load a script of its own first.
  await page.keyboard.insertText('x')
  await page.evaluate(() => window.become.sendable)
  const usable = since()
  const all = { usable, open: await open, fresh: await fresh }
  await page.context().close()
  return all
}

async function interactives(isKept) {
  const all = []
  for (let turn = 0; turn < TURNS; turn++) all.push(await interactive(isKept))
  return Object.fromEntries(
    ['usable', 'open', 'fresh'].map((name) => [name, spread(all.map((one) => one[name]))]),
  )
}

/** From an event of the agent to the frame after it is in the document, ms. */
async function pixel() {
  const page = await open(await chromium.newContext(DESKTOP), trouble)
  await agent.pair(page)
  const automation = await agent.install('Bench', {}, 'export default async () => null;')
  await page.goto(`${agent.address}/runs`)
  await connected(page).waitFor()
  await page.evaluate(() => {
    window.painted = []
    const seen = new Set()
    new MutationObserver(() => {
      for (const one of document.querySelectorAll('.run-row')) {
        if (!/succeeded/i.test(one.textContent) || seen.has(one.pathname)) continue
        seen.add(one.pathname)
        requestAnimationFrame(() =>
          requestAnimationFrame(() => window.painted.push([one.pathname, Date.now()])),
        )
      }
    }).observe(document.body, { childList: true, subtree: true, characterData: true })
  })
  for (let turn = 0; turn < 4 * TURNS; turn++) {
    await agent.cli('automation', 'run', automation)
    await until('the row', () => page.evaluate((n) => window.painted.length > n, turn))
  }
  const painted = await page.evaluate(() => window.painted)
  const took = []
  for (const [path, at] of painted) {
    const { events } = await agent.cli('run', 'show', path.split('/').at(-1))
    took.push(at - Date.parse(events.find((one) => one.kind === 'run_ended').at))
  }
  await page.context().close()
  return { median: median(took), worst: Math.max(...took), turns: took.length }
}

/** What a first visit loads. */
async function load() {
  const page = await open(await chromium.newContext({ ...PHONE, serviceWorkers: 'block' }), trouble)
  const asked = []
  page.on('response', (response) => asked.push(response.url()))
  await agent.pair(page)
  await page.context().close()
  return weigh(asked.filter((url) => url.startsWith(agent.address)))
}

try {
  const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`
  const sizes = await load()
  console.log(
    `first load, compressed: scripts and styles ${kib(sizes.page)} (goal 250), core ${kib(sizes.core)} (goal 350), fonts ${kib(sizes.fonts)}`,
  )
  for (const [isKept, what] of [
    [false, 'first visit'],
    [true, 'later visit'],
  ]) {
    const { usable, open, fresh } = await interactives(isKept)
    console.log(
      `${what}, 4x slower processor, 4G: a word typed and ready to send after ${usable} (goal 1500), line open after ${open}, the agent’s answer shown after ${fresh}; load ${loadavg()[0].toFixed(1)}`,
    )
  }
  const { median: middle, worst, turns } = await pixel()
  console.log(`event to pixel, loopback, ${turns} times: median ${middle} ms, worst ${worst} ms (goal 100)`)
  if (trouble.length > 0) throw new Error(trouble.join('\n'))
} finally {
  await chromium.close()
  end()
}
