// How long the built page takes, with a real agent: `npm run bench`. Figures are printed with the goals;
// it fails only when something does not work at all.

import { weigh } from './subjects/weight.mjs'
import { Agent, DESKTOP, PHONE, browser, connected, end, open, until } from './world.mjs'

const TURNS = 5
/** The “4G” of Lighthouse's table: 9 Mbit/s, and the latency that requests see. */
const MOBILE = {
  offline: false,
  latency: 60,
  downloadThroughput: (9e6 / 8) * 0.9,
  uploadThroughput: (1.5e6 / 8) * 0.9,
}

const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]

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

/** From the address to a field that takes words and a line that is open, ms. */
async function interactive(isKept) {
  const page = await slow(isKept)
  await page.goto('about:blank')
  const began = performance.now()
  await page.goto(`${agent.address}/chat`, { waitUntil: 'commit' })
  await page.getByRole('textbox').fill('x')
  const usable = performance.now() - began
  await connected(page).waitFor()
  const open = performance.now() - began
  await page.context().close()
  return { usable, open }
}

async function interactives(isKept) {
  const all = []
  for (let turn = 0; turn < TURNS; turn++) all.push(await interactive(isKept))
  return {
    usable: Math.round(median(all.map((one) => one.usable))),
    open: Math.round(median(all.map((one) => one.open))),
  }
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
    const { usable, open } = await interactives(isKept)
    console.log(
      `${what}, 4x slower processor, 4G: takes words after ${usable} ms (goal 1500), line open after ${open} ms`,
    )
  }
  const { median: middle, worst, turns } = await pixel()
  console.log(`event to pixel, loopback, ${turns} times: median ${middle} ms, worst ${worst} ms (goal 100)`)
  if (trouble.length > 0) throw new Error(trouble.join('\n'))
} finally {
  await chromium.close()
  end()
}
