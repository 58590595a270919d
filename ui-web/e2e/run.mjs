// What people do with the page, in a real Chromium, with real agents, a real relay and a scripted
// provider: `npm run e2e`, or `npm run e2e -- SUBJECT…` for some of it.
//
// Prints `ok SUBJECT: NAME` for each check; a subject ends with its first that fails. Pictures are
// left in target/screenshots, to be looked at.

import { PATIENCE, browser, end, open, shot } from './world.mjs'

/** Each is a file in subjects/. Those that take longest come first: two go on at a time. */
const SUBJECTS = [
  'surfaces',
  'devices',
  'injection',
  'keyboard',
  'history',
  'decisions',
  'versions',
  'origins',
  'weight',
]
const ABREAST = 2

/** What a subject works with: a browser, and what went wrong in its pages. */
class Stage {
  trouble = []
  pages = []

  constructor(chromium) {
    this.chromium = chromium
  }

  /** A page in a browser profile of its own. */
  async page(options = {}, chromium = this.chromium) {
    const page = await open(await chromium.newContext(options), this.trouble)
    this.pages.push(page)
    return page
  }
}

async function play(subject, chromium) {
  const stage = new Stage(chromium)
  const { default: begin } = await import(`./subjects/${subject}.mjs`)
  let name = 'its beginning'
  const late = (what) => {
    return new Promise((_, reject) => {
      setTimeout(() => reject(new Error(`${what} takes too long`)), 6 * PATIENCE).unref()
    })
  }
  try {
    const checks = await Promise.race([begin(stage), late(name)])
    for (const [each, check] of Object.entries(checks)) {
      name = each
      const began = performance.now()
      await Promise.race([check(), late(name)])
      if (stage.trouble.length > 0) throw new Error(stage.trouble.join('\n'))
      console.log(`ok ${subject}: ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
    }
    return true
  } catch (error) {
    console.log(`FAILED ${subject}: ${name}: ${error.stack}`)
    if (stage.trouble.length > 0) console.log(stage.trouble.join('\n'))
    for (const [at, page] of stage.pages.entries()) {
      await shot(page, `failed-${subject}-${at}`).catch(() => undefined)
    }
    return false
  } finally {
    for (const page of stage.pages)
      await page
        .context()
        .close()
        .catch(() => undefined)
  }
}

const asked = process.argv.slice(2)
const waiting = asked.length > 0 ? asked : [...SUBJECTS]
const chromium = await browser()
const results = []
async function lane() {
  for (let subject = waiting.shift(); subject !== undefined; subject = waiting.shift()) {
    results.push(await play(subject, chromium))
  }
}
try {
  await Promise.all(Array.from({ length: ABREAST }, lane))
} finally {
  await chromium.close()
  end()
}
process.exit(results.every(Boolean) ? 0 : 1)
