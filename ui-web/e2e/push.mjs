// Notifications, in a real Firefox with its own push: the browser subscribes at a push service on this
// machine, the agent posts there, Firefox opens what it gets, and the page's worker shows it.

import puppeteer from 'puppeteer-core'
import { PushService } from './push-service.mjs'
import { Agent, PATIENCE, browser, connected, end, open, shot, until } from './world.mjs'

const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr'

const service = await new PushService().up()
const agent = await new Agent('push').up()
await agent.cli('config', 'set', 'push_hosts', JSON.stringify([service.host]))

const firefox = await puppeteer.launch({
  browser: 'firefox',
  executablePath: FIREFOX,
  headless: true,
  extraPrefsFirefox: {
    'dom.push.serverURL': `ws://${service.host}/`,
    'dom.push.testing.allowInsecureServerURL': true,
    'dom.push.connection.enabled': true,
    'permissions.default.desktop-notification': 1,
    'dom.webnotifications.requireuserinteraction': false,
    // Firefox's own, which need no desktop.
    'alerts.useSystemBackend': false,
  },
})
const trouble = []
const page = await firefox.newPage()
page.setDefaultTimeout(PATIENCE)
await page.setViewport({ width: 1280, height: 800 })
page.on('pageerror', (error) => {
  // What a page still loads when the next one is opened is called off.
  if (!/Failed to load|loading dynamically imported module/.test(error.message))
    trouble.push(`the page failed: ${error.message}`)
})

/** Types a link into the page and says yes at the agent; puppeteer's side of `Agent.pair`. */
async function pair() {
  const { id, link } = await agent.cli('pair')
  await page.goto(`${agent.address}/#${link.split('#')[1]}`)
  await page.waitForSelector('.phrase')
  await agent.cli('pair', '--id', id)
  await agent.cli('pair', '--id', id, '--same')
  await page.waitForSelector('.line-mark.line-open')
}

const shown = () =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    const all = await registration.getNotifications()
    return all.map(({ title, body, tag }) => ({ title, body, tag }))
  })

const press = async (name) => {
  const button = await page.waitForSelector(`::-p-aria([name="${name}"][role="button"])`)
  await button.click()
}

/** An automation whose next run asks for approval. */
function asking(name) {
  const contract = { capabilities: { 'notify.send': {} }, requires_approval: [{ of: 'notify.send' }] }
  const script = "export default async () => { await tools.notify.send({title: 't', body: 'b'}) }"
  return agent.install(name, contract, script)
}

const checks = {
  async 'a browser asks for notifications, and is told how that goes'() {
    await pair()
    await page.goto(`${agent.address}/settings`)
    await press('Turn on here')
    await press('Send a test')
    await until('the test', async () => (await shown()).some(({ tag }) => tag === 'test'))
    const [first] = service.posted
    if (!/^vapid t=.+, k=.+$/.test(first.headers.authorization)) throw new Error('nobody has signed it')
    await until('the word of it', async () => (await agent.cli('devices'))[0].push?.reached_at)
    await page.waitForSelector('::-p-text(last reached)')
    await shot(page, 'firefox-notifications')
  },

  async 'what needs its person is shown once, sealed, while another place is open'() {
    const automation = await asking('Invoices <b>')
    await agent.cli('automation', 'run', automation)
    await until('the notification', async () => (await shown()).some(({ title }) => title === 'Invoices <b>'))
    const lengths = new Set(service.posted.map(({ body }) => body.length))
    if (lengths.size !== 1) throw new Error(`their lengths tell them apart: ${[...lengths]}`)
    if (service.posted.some(({ body }) => body.includes('Invoices'))) throw new Error('it can be read')
  },

  async 'what is answered elsewhere is shown no more'() {
    const [need] = await agent.cli('needs')
    await agent.cli('need', 'answer', need.id, 'approve')
    await until('it to go', async () => !(await shown()).some(({ tag }) => tag === need.id))
  },

  async 'with every page closed it is told as well'() {
    const before = service.posted.length
    await page.goto('about:blank')
    await asking('Closed')
    await agent.cli('automation', 'run', 'a2')
    // The push service says that it is taken when the browser has handed it to the worker.
    await until('the push', () => service.posted.length > before)
    await until('the word of it', async () => (await agent.cli('needs')).length === 1)
    await page.goto(`${agent.address}/costs`)
    await until('the notification', async () => (await shown()).some(({ title }) => title === 'Closed'))
  },

  async 'turned off, nothing is sent any more'() {
    await page.goto(`${agent.address}/settings`)
    await page.waitForSelector('.line-mark.line-open')
    await press('Turn off here')
    await page.waitForSelector('::-p-text(Turn on here)')
    if ((await agent.cli('devices'))[0].push) throw new Error('the agent would still send')
  },
}

/** Chromium's worker, handed pushes as its browser would: its push service cannot be had here. */
const chromium = await browser()
const context = await chromium.newContext({ viewport: { width: 390, height: 844 } })
await context.grantPermissions(['notifications'], { origin: agent.address })
const phone = await open(context, trouble)

const inChromium = {
  async 'a tap opens the item in the page that is open, where it is answered'() {
    await agent.pair(phone)
    const automation = await asking('Tapped')
    await agent.cli('automation', 'run', automation)
    const waiting = async () => (await agent.cli('needs')).find((need) => need.automation === automation)
    const need = await until('the item', waiting)
    await phone.goto(`${agent.address}/costs`)
    await connected(phone).waitFor()
    const push = {
      id: 'u1',
      kind: 'need',
      need: need.id,
      title: 'Tapped',
      text: need.title,
      at: need.created_at,
    }
    const worker = await until('the worker', () => context.serviceWorkers()[0])
    const handOver = (push) =>
      worker.evaluate(async (push) => {
        const event = new PushEvent('push', { data: JSON.stringify(push) })
        const done = new Promise((resolve) => {
          event.waitUntil = (work) => resolve(work)
        })
        self.dispatchEvent(event)
        await done
        return (await self.registration.getNotifications()).map(({ tag, title }) => ({ tag, title }))
      }, push)
    let all = await handOver(push)
    if (all.length !== 1 || all[0].tag !== need.id) throw new Error(JSON.stringify(all))
    all = await handOver(push)
    if (all.length !== 1) throw new Error('one that came twice is shown twice')
    await worker.evaluate(async () => {
      const [notification] = await self.registration.getNotifications()
      self.dispatchEvent(new NotificationEvent('notificationclick', { notification }))
    })
    await phone.waitForURL(`**/needs/${need.id}`)
    await shot(phone, 'phone-tapped')
    await phone.getByRole('button', { name: 'Approve', exact: true }).click()
    await until('the answer', async () => !(await waiting()))
    if ((await handOver({ ...push, id: 'u2', kind: 'settled', title: '' })).length > 0)
      throw new Error('it is still shown')
    for (const nonsense of [null, 7, 'x', {}, { kind: 'party' }]) await handOver(nonsense)
  },
}

let failed = false
try {
  for (const [name, check] of Object.entries({ ...checks, ...inChromium })) {
    await check()
    if (trouble.length > 0) throw new Error(trouble.join('\n'))
    console.log(`ok ${name}`)
  }
} catch (error) {
  failed = true
  console.error(
    error,
    await agent.cli('devices')[0],
    service.posted.length,
    await shown().catch(String),
    await page.evaluate(() => Notification.permission),
    await page.evaluate(async () => (await (await caches.open('pushes seen')).match('/'))?.json()),
  )
  await shot(page, 'firefox-failed').catch(() => undefined)
} finally {
  await firefox.close()
  await chromium.close()
  service.end()
  end()
}
process.exit(failed ? 1 : 0)
