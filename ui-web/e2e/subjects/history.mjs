// Ten thousand runs, made by a real agent: the list is there soon, scrolls without a stutter, and is
// never in the document as a whole.

import { existsSync } from 'node:fs'
import { Agent, DESKTOP, PHONE, shot, until } from '../world.mjs'

const RUNS = 10_000
/** So many items come of one run: a run's steps are limited. */
const BATCH = 1_000

const SCRIPT = `export default async (ctx) => {
  const items = Array.from({ length: ${BATCH} }, (_, n) => ctx.emit({ topic: 'beat', id: ctx.run.id + '/' + n, title: 'Beat ' + n }));
  await Promise.all(items);
};
export const on = { beat: async () => null };
`

/** The most rows and all else that may be in the document. */
const MOST_ROWS = 120
const MOST_NODES = 2_500

/** A frame that takes longer than three at 60 Hz is a stutter. */
const STUTTER_MS = 50

/** Scrolls by a wheel to the end of the page and reports what it was like, by the browser's own tracing. */
async function scroll(page) {
  const session = await page.context().newCDPSession(page)
  await page.evaluate(() => {
    window.longest = 0
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration)
    }).observe({ type: 'longtask' })
    window.frames_ms = []
    let before = performance.now()
    const tick = (now) => {
      window.frames_ms.push(now - before)
      before = now
      requestAnimationFrame(tick)
    }
    requestAnimationFrame(tick)
  })
  let most = { rows: 0, nodes: 0 }
  for (let turn = 0; turn < 12; turn++) {
    await session.send('Input.synthesizeScrollGesture', {
      x: 300,
      y: 400,
      yDistance: -6_000,
      speed: 6_000,
      gestureSourceType: 'mouse',
    })
    const now = await page.evaluate(() => ({
      rows: document.querySelectorAll('.rows-row').length,
      nodes: document.querySelectorAll('*').length,
    }))
    most = { rows: Math.max(most.rows, now.rows), nodes: Math.max(most.nodes, now.nodes) }
  }
  const { longest, frames } = await page.evaluate(() => ({
    longest: window.longest,
    frames: window.frames_ms,
  }))
  const sorted = frames.toSorted((a, b) => a - b)
  return {
    ...most,
    longest_task_ms: Math.round(longest),
    frames: frames.length,
    median_ms: Math.round(sorted[Math.floor(sorted.length / 2)]),
    p99_ms: Math.round(sorted[Math.floor(sorted.length * 0.99)]),
    stutters: frames.filter((ms) => ms > STUTTER_MS).length,
  }
}

/** A backup of an agent that has made so many runs. Made once; any agent can be put in its place. */
const KEPT = new URL(`../../../target/e2e-history-${RUNS}.db`, import.meta.url).pathname

/** An agent with that many runs, and the automation that made them. */
export async function withHistory() {
  const agent = new Agent('history')
  await agent.up()
  if (existsSync(KEPT)) {
    await agent.kill()
    const { error } = await agent.cli('restore', KEPT)
    if (error) throw new Error(error.message)
    await agent.up()
  } else {
    const contract = { overlap: { parallel: 8 }, budget: { steps: BATCH + 10 } }
    const automation = await agent.install('Heartbeat', contract, SCRIPT)
    for (let made = 0; made < RUNS; made += BATCH) {
      await agent.cli('automation', 'run', automation)
    }
    const count = async () => (await agent.cli('runs', '--state', 'succeeded', '--limit', '20000')).length
    await until('the runs', async () => (await count()) >= RUNS, 240_000)
    await agent.cli('backup', KEPT)
  }
  const runs = await agent.cli('runs', '--limit', '20000')
  if (runs.length < RUNS) throw new Error(`only ${runs.length} runs: remove ${KEPT}`)
  return { agent, automation: 'a1' }
}

export default async function history(stage) {
  const { agent, automation } = await withHistory()
  const desk = await stage.page(DESKTOP)
  const hand = await stage.page(PHONE)

  return {
    async 'ten thousand runs scroll smoothly, a few rows at a time'() {
      for (const [page, name, place] of [
        [desk, 'desktop', '/runs'],
        [hand, 'phone', `/automations/${automation}/runs`],
      ]) {
        await agent.pair(page)
        await page.goto(agent.address + place)
        await page.locator('.rows-row').first().waitFor()
        const figures = await scroll(page)
        console.log(`  ${name}: ${JSON.stringify(figures)}`)
        if (figures.rows > MOST_ROWS) throw new Error(`${figures.rows} rows at a time`)
        if (figures.nodes > MOST_NODES) throw new Error(`${figures.nodes} nodes at a time`)
        await shot(page, `${name}-runs-many`)
      }
    },

    async 'the very first of them is reached, and none is left out'() {
      await desk.goto(`${agent.address}/runs`)
      const first = desk.locator('a[href="/runs/r1"]')
      await until('the end of the list', async () => {
        await desk.keyboard.press('End')
        return (await first.count()) > 0
      })
      await first.scrollIntoViewIfNeeded()
      const size = await desk.locator('.rows-row').last().getAttribute('aria-setsize')
      if (Number(size) < RUNS) throw new Error(`only ${size} are listed`)
    },

    async 'a run that happens meanwhile comes on top at once'() {
      const quick = await agent.install('Quick', {}, 'export default async () => null;')
      await desk.goto(`${agent.address}/runs`)
      await desk.locator('.rows-row').first().waitFor()
      await agent.cli('automation', 'run', quick)
      await desk.locator('.rows-row').first().filter({ hasText: 'Quick' }).waitFor()
    },
  }
}
