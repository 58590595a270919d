// Devices and their line: pairing over each carrier, what is said while relay or agent are away, bad
// links, rights, revocation.

import { Agent, DESKTOP, PATIENCE, PHONE, Relay, browser, connected, seen, shot, until } from '../world.mjs'

/** Which carrier a page's streams had. */
function carriers(page) {
  const seen = []
  page.on('websocket', (socket) => seen.push(socket.url()))
  return seen
}

/** To be run before the page: notes that it has put down what it knew when these words were shown. */
function keeping(words) {
  const { put } = IDBObjectStore.prototype
  IDBObjectStore.prototype.put = function (value, name) {
    if (name === 'views' && document.body.innerText.includes(words)) {
      this.transaction.addEventListener('complete', () => (window.isKept = true))
    }
    return put.call(this, value, name)
  }
}

export default async function devices(stage) {
  const relay = await new Relay().up()
  const agent = await new Agent('agent').up('--relay', relay.place)
  // Serves the same page; it has nothing to do with the browser's agent, as a relay that serves it.
  const elsewhere = await new Agent('elsewhere').up()
  const here = await stage.page(DESKTOP)
  const far = await stage.page(PHONE)

  return {
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
      await until('the automation', async () => (await agent.cli('automations'))[0]?.state === 'active')
    },

    async 'a phone pairs over the relay by WebTransport'() {
      // Chromium takes the relay's certificate by its hash for WebTransport alone, so nothing else works.
      await agent.pair(far, elsewhere)
      await shot(far, 'phone-chat')
    },

    async 'a link opens at the relay that the user trusts with the page'() {
      await agent.cli('config', 'set', 'page_host', JSON.stringify(new URL(relay.address).host))
      const { link } = await agent.cli('pair', '--rights', 'view')
      if (!link.startsWith(`${relay.address}/#`)) throw new Error(`it opens elsewhere: ${link}`)
      // As a browser believes a certificate that others vouch for.
      const chromium = await browser(`--ignore-certificate-errors-spki-list=${relay.spki}`)
      try {
        const scanned = await stage.page(PHONE, chromium)
        await agent.pair(scanned, relay, 'view')
        await scanned.goto(`${relay.address}/automations`)
        await connected(scanned).waitFor()
      } finally {
        await chromium.close()
      }
    },

    async 'a run that one starts is seen by the other as it happens'() {
      await here.goto(`${agent.address}/runs`)
      await far.goto(`${elsewhere.address}/automations/a1`)
      await far.getByRole('button', { name: 'Run now' }).click()
      await until('the run', async () => (await agent.cli('runs'))[0]?.state === 'succeeded')
      await here
        .locator('a[href="/runs/r1"]')
        .filter({ hasText: /succeeded/i })
        .first()
        .waitFor()
      await shot(here, 'desktop-runs')
      await shot(far, 'phone-automation')
    },

    async 'what is said while the relay is gone is not sent yet, and applied once when it is back'() {
      await far.goto(`${elsewhere.address}/automations/a1`)
      await connected(far).waitFor()
      // What was never seen cannot be acted upon.
      await far.getByRole('button', { name: 'Pause' }).waitFor()
      await relay.kill()
      await until('the line to be gone', async () => (await connected(far).count()) === 0)
      await far.getByRole('button', { name: 'Pause' }).click()
      await seen(far, /not sent yet/i)
      await shot(far, 'phone-not-sent-yet')
      if ((await agent.cli('automations'))[0].state !== 'active') throw new Error('it was applied')
      await relay.up()
      // The agent misses a killed relay with its next keep-alive only, up to twenty seconds later.
      const isPaused = async () => (await agent.cli('automations'))[0].state === 'paused'
      await until('the pause', isPaused, 2 * PATIENCE)
      await seen(far, /paused/i)
      await here.goto(`${agent.address}/automations/a1`)
      await here.getByRole('button', { name: 'Resume' }).click()
      await until('the resumption', async () => (await agent.cli('automations'))[0].state === 'active')
    },

    async 'an agent that is killed is back by itself'() {
      await agent.kill()
      await until('the line to be gone', async () => (await connected(here).count()) === 0)
      await shot(here, 'desktop-away')
      await agent.up('--relay', relay.place)
      await connected(here).waitFor()
    },

    async 'an agent that is off for the whole visit is shown as it was last'() {
      for (const page of [here, far]) await page.addInitScript(keeping, 'stand up')
      await here.goto(`${agent.address}/automations`)
      await seen(here, 'stand up')
      await here.evaluate(() => navigator.serviceWorker.ready.then(() => true))
      await far.goto(`${elsewhere.address}/automations`)
      await seen(far, 'stand up')
      // What was seen is kept a moment later.
      for (const page of [here, far]) await page.waitForFunction(() => window.isKept)
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
      const page = await stage.page(DESKTOP, trusting)
      await page.addInitScript(() => delete window.WebTransport)
      const sockets = carriers(page)
      await agent.pair(page, elsewhere)
      if (!sockets.some((url) => url.startsWith('wss://127.0.0.1'))) throw new Error(sockets.join(' '))
      await trusting.close()
    },

    async 'a used, a cut and a made-up link are refused in words'() {
      const page = await stage.page(DESKTOP)
      const { link } = await agent.cli('pair')
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
      const page = await stage.page(DESKTOP)
      await agent.pair(page, elsewhere, 'view')
      await page.goto(`${elsewhere.address}/automations/a1`)
      await seen(page, 'stand up')
      const run = page.getByRole('button', { name: 'Run now' })
      if ((await run.count()) > 0 && (await run.isEnabled())) throw new Error('it may run')
      await page.close()
    },

    async 'a revoked device is out at once and told so'() {
      const devices = await agent.cli('devices')
      const phones = devices.filter((device) => device.is_here && !device.revoked_at)
      await far.goto(`${elsewhere.address}/automations`)
      await connected(far).waitFor()
      const revoked = Date.now()
      for (const device of phones) await agent.cli('device', 'revoke', device.id)
      await seen(far, /does not know this browser/)
      const took = Date.now() - revoked
      if (took > 5_000) throw new Error(`it took ${took} ms`)
      await shot(far, 'phone-revoked')
    },
  }
}
