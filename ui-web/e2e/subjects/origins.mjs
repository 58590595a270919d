// Pages of other sites in the same browser, against the agent's real listener: a name that is bound
// anew to this machine, requests across sites, a frame.

import { createServer } from 'node:http'
import { Agent, DESKTOP, browser, connected } from '../world.mjs'

/** A site of somebody else's: serves one page under whatever name it is called. */
async function site(html) {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  )
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

export default async function origins(stage) {
  const agent = await new Agent('origins').up()
  const port = new URL(agent.address).port
  // A name of the attacker's whose address is now this machine's: what rebinding comes to in the end.
  const rebound = await browser('--host-resolver-rules=MAP *.attacker.example 127.0.0.1')
  const page = await stage.page(DESKTOP)
  const foreign = await rebound.newPage()
  const other = await site('<!doctype html><title>elsewhere</title><button>Click here</button>')
  const away = `http://www.attacker.example:${other}/`
  await agent.pair(page)
  const [{ id }] = await agent.cli('devices')
  const webhook = { triggers: [{ webhook: 'push' }, { manual: true }], capabilities: { 'notify.send': {} } }
  await agent.install(
    'Hook',
    webhook,
    `export default async () => { await tools.notify.send({ title: 'x', once: '1' }); };`,
  )

  /** What a page elsewhere gets from the agent: the answer's text, or `refused`. */
  const fetched = (path, options) =>
    foreign.evaluate(
      async ([url, options]) => {
        try {
          const answer = await fetch(url, options)
          return `${answer.type} ${answer.status} ${await answer.text()}`
        } catch {
          return 'refused'
        }
      },
      [agent.address + path, options ?? {}],
    )

  return {
    async 'a name that is rebound to this machine gets nothing, not even the page'() {
      const answer = await foreign.goto(`http://rebound.attacker.example:${port}/`)
      if (answer.status() !== 421) throw new Error(`it was answered ${answer.status()}`)
      const said = await answer.text()
      if (said.includes('<script')) throw new Error('the page was served')
      // Same origin for the browser, so nothing but the agent's own check is in the way.
      const status = await foreign.evaluate(
        async () => (await fetch('/hooks/a1/push', { method: 'POST' })).status,
      )
      if (status !== 421) throw new Error(`a webhook was answered ${status}`)
      const opened = await foreign.evaluate(
        () =>
          new Promise((resolve) => {
            const socket = new WebSocket(`ws://${location.host}/session?route=x`)
            socket.onopen = () => resolve('opened')
            socket.onerror = () => resolve('refused')
          }),
      )
      if (opened !== 'refused') throw new Error('a session was opened')
    },

    async 'a page of another site can read nothing and open no session'() {
      await foreign.goto(away)
      for (const path of ['/', '/icon.svg', '/worker.js', '/session', '/hooks/a1/push']) {
        const said = await fetched(path)
        if (said !== 'refused') throw new Error(`${path}: ${said.slice(0, 200)}`)
        // Without CORS it may be sent, and must still tell nothing.
        const opaque = await fetched(path, { mode: 'no-cors' })
        if (!/^(opaque 0 $|refused)/.test(opaque)) throw new Error(`${path}: ${opaque.slice(0, 200)}`)
      }
      const routes = await page.evaluate(() =>
        performance.getEntriesByType('resource').map((one) => one.name),
      )
      if (routes.length === 0) throw new Error('the agent’s own page loaded nothing')
      const opened = await foreign.evaluate(
        (url) =>
          new Promise((resolve) => {
            const socket = new WebSocket(url)
            socket.onopen = () => resolve('opened')
            socket.onerror = () => resolve('refused')
          }),
        `ws://127.0.0.1:${port}/session?route=${'A'.repeat(32)}`,
      )
      if (opened !== 'refused') throw new Error('a session was opened')
    },

    async 'what another site posts without the secret does nothing'() {
      await foreign.goto(away)
      await fetched('/hooks/a1/push', { method: 'POST', mode: 'no-cors', body: '{}' })
      await foreign.evaluate((url) => {
        const form = document.createElement('form')
        form.method = 'post'
        form.action = url
        document.body.append(form)
        form.submit()
      }, `${agent.address}/hooks/a1/push?token=guess`)
      await foreign.waitForURL(/hooks/)
      const runs = await agent.cli('runs')
      const devices = await agent.cli('devices')
      if (runs.length > 0 || devices.length !== 1 || devices[0].id !== id) throw new Error('it had an effect')
    },

    async 'the page cannot be framed, nor reached through a window that was opened'() {
      await foreign.goto(away)
      const framed = await foreign.evaluate(
        (url) =>
          new Promise((resolve) => {
            const frame = document.createElement('iframe')
            frame.src = url
            frame.onload = () => {
              // A frame that was refused shows the browser's own error, of another origin.
              resolve(frame.contentWindow.length)
            }
            document.body.append(frame)
          }),
        agent.address,
      )
      const frame = foreign.frames().find((one) => one !== foreign.mainFrame())
      const text =
        (await frame
          ?.locator('body')
          .innerText()
          .catch(() => '')) ?? ''
      if (framed !== 0 || /Deputy|Pair/.test(text) || (await frame?.locator('#root').count())) {
        throw new Error(`it was framed: ${text}`)
      }
      const [popup] = await Promise.all([
        foreign.waitForEvent('popup'),
        foreign.evaluate((url) => void (window.opened = window.open(url)), agent.address),
      ])
      await popup.waitForLoadState()
      const cut = await foreign.evaluate(() => window.opened.closed)
      const opener = await popup.evaluate(() => window.opener)
      if (!cut || opener !== null) throw new Error('the two windows know one another')
    },

    async 'and the agent’s own page still does all of it'() {
      await page.reload()
      await connected(page).waitFor()
      const own = await page.evaluate(async () => (await fetch('/icon.svg')).status)
      if (own !== 200) throw new Error(`its own picture: ${own}`)
      await rebound.close()
    },
  }
}
