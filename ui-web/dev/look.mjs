/**
 * Visits every surface in both themes at a phone's and a desk's size, saves screenshots, and reports
 * what axe finds and what the console says: `node dev/look.mjs FOLDER [NAME [SIZE-THEME]]`, with `npm run dev` on.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'

const BASE = 'http://127.0.0.1:5199'
const folder = process.argv[2] ?? '/tmp/looks'
const [only = '', sort = ''] = process.argv.slice(3)
mkdirSync(folder, { recursive: true })

const press = (name) => (page) => page.getByRole('button', { name, exact: false }).first().click()
const away = async (page) => {
  await page.waitForTimeout(400)
  await page.evaluate(() => window.dev.away(true))
}

/** Name, path, and what is done before looking. */
const SURFACES = [
  ['needs', '/needs'],
  ['needs-samples', '/needs?samples'],
  [
    'needs-away',
    '/needs',
    async (page) => {
      await away(page)
      await page.getByRole('button', { name: 'Approve', exact: true }).first().click()
    },
  ],
  ['need', '/needs/n6'],
  ['chat', '/chat'],
  ['chat-one', '/chat?automation=a13'],
  [
    'chat-refused',
    '/chat',
    async (page) => {
      await page.getByRole('textbox').fill('make me a sandwich')
      await page.keyboard.press('Enter')
    },
  ],
  ['proposal-doubt', '/proposals/p12'],
  ['automations', '/automations'],
  ['automation', '/automations/a3'],
  ['automation-script', '/automations/a8', press('Script')],
  ['automation-items', '/automations/a4/items'],
  ['automation-versions', '/automations/a3/versions'],
  ['automation-runs', '/automations/a11/runs'],
  ['input', '/inputs/i3'],
  ['runs', '/runs'],
  ['run', '/runs/r3'],
  [
    'run-failed',
    '/automations/a8/runs',
    async (page) => {
      await page.locator('.run-row').first().click()
      await page.waitForTimeout(400)
    },
  ],
  ['run-retry', '/automations/a10/runs', (page) => page.locator('.run-row').first().click()],
  [
    'run-steps',
    '/automations/a3/runs',
    async (page) => {
      await page.locator('.run-row').first().click()
      await page.locator('.entry-step .fold-button').nth(1).click()
    },
  ],
  ['costs', '/costs?samples'],
  ['costs-empty', '/costs'],
  ['connections', '/connections'],
  ['devices', '/devices?samples'],
  ['settings', '/settings'],
  ['more', '/more'],
  ['nothing', '/nowhere'],
  ['palette', '/automations', (page) => page.keyboard.press('Control+k')],
  ...['no_link', 'connecting', 'compare', 'failed', 'not_known', 'other_version'].map((state) => [
    `first-${state}`,
    `/first-run/${state}`,
  ]),
]
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } }

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
let troubles = 0
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
    for (const [name, path, act] of SURFACES) {
      if (!name.startsWith(only) || !`${size}-${colorScheme}`.startsWith(sort)) continue
      const page = await context.newPage()
      const say = (text) => {
        troubles++
        console.log(`${size} ${colorScheme} ${name}: ${text}`)
      }
      page.on(
        'console',
        (message) => ['error', 'warning'].includes(message.type()) && say(message.text().slice(0, 300)),
      )
      page.on('pageerror', (error) => say(error.message))
      try {
        await page.goto(BASE + path)
        await page.locator('h1').first().waitFor({ timeout: 15_000 })
        await page.waitForTimeout(700)
        await act?.(page)
        await page.waitForTimeout(400)
        await page.screenshot({
          path: join(folder, `${name}-${size}-${colorScheme}.png`),
          fullPage:
            !name.startsWith('chat') && name !== 'palette' && !name.includes('runs') && name !== 'runs',
        })
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (wide > 0) say(`scrolls sideways by ${wide} px`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        for (const one of violations)
          say(
            `axe ${one.id} (${one.impact}) ${one.nodes
              .slice(0, 3)
              .map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim() ?? ''}`)
              .join(' | ')}`,
          )
      } catch (error) {
        say(String(error).slice(0, 300))
      }
      await page.close()
    }
    await context.close()
  }
}
await browser.close()
console.log(troubles === 0 ? 'nothing found' : `${troubles} found`)
