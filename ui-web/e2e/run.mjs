// What people do with the page, in a real Chromium, with a real agent and a real relay: `npm run e2e`.
//
// Prints `ok NAME` for each check and stops at the first that fails. Pictures are left in
// target/screenshots, to be looked at.

import { AxeBuilder } from '@axe-core/playwright'
import { Agent, PATIENCE, Relay, browser, connected, end, open, shot, until } from './world.mjs'

const trouble = []
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const desktop = { viewport: { width: 1280, height: 800 } }

const relay = await new Relay().up()
const agent = await new Agent('agent').up('--relay', relay.place)
// Serves the same page; it has nothing to do with the browser's agent, as a relay that serves it.
const elsewhere = await new Agent('elsewhere').up()
const chromium = await browser()
const here = await open(await chromium.newContext(desktop), trouble)
const far = await open(await chromium.newContext(phone), trouble)

/** Which carrier a page's streams had. */
function carriers(page) {
  const seen = []
  page.on('websocket', (socket) => seen.push(socket.url()))
  return seen
}

/** Waits for words that can be seen. */
function seen(page, words) {
  return page.getByText(words).locator('visible=true').first().waitFor()
}

const checks = {
  async 'a browser on the agent’s machine pairs with the phrase on both sides'() {
    const sockets = carriers(here)
    await agent.pair(here)
    await shot(here, 'desktop-chat-empty')
    const straight = sockets.filter((url) => url.startsWith('ws://127.0.0.1') && url.includes('/session'))
    if (straight.length === 0) throw new Error(`it did not come straight: ${sockets.join(' ')}`)
  },

  async 'an errand is delegated by its proposal'() {
    await here.getByRole('textbox').fill('remind me every weekday at 9 to stand up')
    await here.getByRole('button', { name: 'Send' }).click()
    const proposal = here.locator('article.proposal').last()
    await proposal.waitFor()
    await shot(here, 'desktop-proposal')
    await proposal.getByRole('button', { name: 'Delegate' }).click()
    await until('the automation', () => agent.cli('automations')[0]?.state === 'active')
  },

  async 'a phone pairs over the relay by WebTransport'() {
    // Chromium takes the relay's certificate by its hash for WebTransport alone, so nothing else works.
    await agent.pair(far, elsewhere)
    await shot(far, 'phone-chat')
  },

  async 'a run that one starts is seen by the other as it happens'() {
    await here.goto(`${agent.address}/runs`)
    await far.goto(`${elsewhere.address}/automations/a1`)
    await far.getByRole('button', { name: 'Run now' }).click()
    await until('the run', () => agent.cli('runs')[0]?.state === 'succeeded')
    await here
      .locator('a[href="/runs/r1"]')
      .filter({ hasText: /succeeded/i })
      .first()
      .waitFor()
    await shot(here, 'desktop-runs')
    await shot(far, 'phone-automation')
  },

  async 'axe finds nothing on any place, on a light desktop and a dark phone'() {
    const places = ['/needs', '/chat', '/automations', '/automations/a1', '/runs', '/runs/r1', '/costs']
    places.push('/connections', '/devices', '/settings')
    for (const [page, server, size, colorScheme] of [
      [here, agent, 'desktop', 'light'],
      [far, elsewhere, 'phone', 'dark'],
    ]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      for (const place of places) {
        await page.goto(server.address + place)
        await connected(page).waitFor()
        await page.getByRole('heading', { level: 1 }).first().waitFor()
        await shot(page, `${size}-${colorScheme}${place.replaceAll('/', '-')}`)
        const { violations } = await new AxeBuilder({ page }).analyze()
        for (const { id, nodes } of violations) {
          trouble.push(`${size} ${place}: ${id}: ${nodes.map((node) => node.html).join(' ')}`)
        }
      }
      await page.emulateMedia({ colorScheme: null, reducedMotion: null })
    }
  },

  async 'what is said while the relay is gone is not sent yet, and applied once when it is back'() {
    await far.goto(`${elsewhere.address}/automations/a1`)
    await connected(far).waitFor()
    await relay.kill()
    await until('the line to be gone', async () => (await connected(far).count()) === 0)
    await far.getByRole('button', { name: 'Pause' }).click()
    await seen(far, /not sent yet/i)
    await shot(far, 'phone-not-sent-yet')
    if (agent.cli('automations')[0].state !== 'active') throw new Error('it was applied')
    await relay.up()
    await until('the pause', () => agent.cli('automations')[0].state === 'paused')
    await seen(far, /paused/i)
    await here.goto(`${agent.address}/automations/a1`)
    await here.getByRole('button', { name: 'Resume' }).click()
    await until('the resumption', () => agent.cli('automations')[0].state === 'active')
  },

  async 'an agent that is killed is back by itself'() {
    await agent.kill()
    await until('the line to be gone', async () => (await connected(here).count()) === 0)
    await shot(here, 'desktop-away')
    await agent.up('--relay', relay.place)
    await connected(here).waitFor()
  },

  async 'an agent that is off for the whole visit is shown as it was last'() {
    await here.goto(`${agent.address}/automations`)
    await seen(here, 'stand up')
    await here.evaluate(() => navigator.serviceWorker.ready.then(() => true))
    await far.goto(`${elsewhere.address}/automations`)
    await seen(far, 'stand up')
    // What was seen is kept a moment later.
    await far.waitForTimeout(1_500)
    await agent.kill()
    await far.reload()
    await seen(far, 'stand up')
    await shot(far, 'phone-agent-off')
    // The page that this very agent has served opens without it, too.
    await here.goto(`${agent.address}/automations`)
    await seen(here, 'stand up')
    await shot(here, 'desktop-agent-off')
    await agent.up('--relay', relay.place)
    await connected(far).waitFor()
  },

  async 'where there is no WebTransport a WebSocket to the relay does'() {
    const trusting = await browser(`--ignore-certificate-errors-spki-list=${relay.spki}`)
    const page = await open(await trusting.newContext(desktop), trouble)
    await page.addInitScript(() => delete window.WebTransport)
    const sockets = carriers(page)
    await agent.pair(page, elsewhere)
    if (!sockets.some((url) => url.startsWith('wss://127.0.0.1'))) throw new Error(sockets.join(' '))
    await trusting.close()
  },

  async 'a used, a cut and a made-up link are refused in words'() {
    const page = await open(await chromium.newContext(desktop), trouble)
    const { link } = agent.cli('pair')
    for (const fragment of [link.split('#')[1].slice(0, -3), 'A'.repeat(200)]) {
      await page.goto(`${elsewhere.address}/#${fragment}`)
      await page.reload()
      await page.goto(`${elsewhere.address}/?again#${fragment}`)
      await page.getByRole('alert').waitFor()
    }
    await shot(page, 'desktop-pairing-failed')
    await page.close()
  },

  async 'a device that may only look is not offered what it may not do'() {
    const page = await open(await chromium.newContext(desktop), trouble)
    await agent.pair(page, elsewhere, 'view')
    await page.goto(`${elsewhere.address}/automations/a1`)
    await seen(page, 'stand up')
    const run = page.getByRole('button', { name: 'Run now' })
    if ((await run.count()) > 0 && (await run.isEnabled())) throw new Error('it may run')
    await page.close()
  },

  async 'a revoked device is out at once and told so'() {
    const devices = agent.cli('devices')
    const phones = devices.filter((device) => device.is_here && !device.revoked_at)
    await far.goto(`${elsewhere.address}/automations`)
    await connected(far).waitFor()
    const revoked = Date.now()
    for (const device of phones) agent.cli('device', 'revoke', device.id)
    await seen(far, /does not know this browser/)
    const took = Date.now() - revoked
    if (took > 5_000) throw new Error(`it took ${took} ms`)
    await shot(far, 'phone-revoked')
  },
}

let failed = false
try {
  for (const [name, check] of Object.entries(checks)) {
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Error('it takes too long')), 6 * PATIENCE).unref()
    })
    try {
      await Promise.race([check(), late])
      if (trouble.length > 0) throw new Error(trouble.join('\n'))
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`FAILED ${name}: ${error.stack}`)
      await shot(here, 'failed-here').catch(() => undefined)
      await shot(far, 'failed-far').catch(() => undefined)
      failed = true
      break
    }
  }
} finally {
  await chromium.close()
  end()
}
process.exit(failed ? 1 : 0)
