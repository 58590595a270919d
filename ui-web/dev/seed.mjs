/**
 * Fills a fresh agent with automations of every sort: `node dev/outside.mjs &`, then this.
 * `node dev/seed.mjs 3000` makes that many runs of the busy one.
 */

import { ask } from './socket.mjs'

const HOST = '127.0.0.1:8099'
const many = Number(process.argv[2] ?? 300)

async function accept(proposal, confirm = []) {
  if (proposal.state === 'accepted') return proposal.automation
  const params = { proposal: proposal.id, confirm: [...confirm, ...proposal.doubts.map((d) => d.id)] }
  return (await ask({ method: 'proposal_accept', params })).automation
}

async function install(name, purpose, contract, script, isAccepted = true) {
  const whole = {
    contract: 1,
    purpose,
    timezone: 'Europe/Berlin',
    triggers: [{ manual: true }, { event: 'go' }],
    ...contract,
  }
  const bundle = { bundle: 1, name, contract: whole, script }
  const proposal = await ask({ method: 'install', params: { bundle, accept: false } })
  return isAccepted ? accept(proposal) : proposal.automation
}

const delegate = (text) =>
  ask({ method: 'delegate', params: { text, automation: null, accept: false, timezone: 'Europe/Berlin' } })
const send = (automation, payload, key) =>
  ask({ method: 'event_send', params: { automation, topic: 'go', payload, key: key ?? null } })
const run = (automation) =>
  ask({ method: 'automation_run', params: { automation, input: null, wait: false } })

await ask({
  method: 'connect',
  params: {
    kind: 'mail',
    name: 'mail',
    secret: null,
    config: { smtp_host: '127.0.0.1', smtp_port: 8025, tls: 'none', from: 'me@example.org' },
  },
})

await accept(await delegate('remind me every weekday at 9 to stand up'))
await accept(await delegate(`tell me when the feed at http://${HOST}/feed.xml mentions async, every hour`))

const MAIL = { connections: ['mail'], recipients: ['ana@example.org', '@example.org'] }
const invoices = await install(
  'Invoices to Ana',
  'Every weekday at 8, mail Ana the new invoices',
  {
    triggers: [{ cron: '0 8 * * 1-5' }, { event: 'go' }, { manual: true }],
    params: { url: `http://${HOST}/invoices.json` },
    capabilities: { 'web.fetch': { hosts: [HOST] }, 'mail.send': MAIL },
    invariants: [
      { max: 20, of: 'mail.send', per: 'day' },
      { never: 'files.trash' },
      { only_between: ['00:00', '23:59'], of: 'mail.send' },
      { max_cost_micros: 50000, per: 'day' },
    ],
    requires_approval: [{ of: 'mail.send', when: { more_than: 2 } }],
    assumptions: ['An invoice is new when its number was never mailed'],
    non_goals: ['No reminders to senders'],
    success: 'Every new invoice has been mailed once',
    overlap: 'queue',
  },
  `export default async (ctx) => {
  const { json } = await tools.web.fetch({ url: ctx.params.url, as: 'json' });
  let mailed = 0;
  for (const invoice of json) {
    if (ctx.state.get(invoice.id)) continue;
    await tools.mail.send({ connection: 'mail', to: ['ana@example.org'],
      subject: \`Invoice \${invoice.id} from \${invoice.from}\`,
      text: \`\${invoice.from} asks for \${invoice.amount.toFixed(2)} EUR.\\nThe invoice is attached to the portal entry \${invoice.id}.\`, once: invoice.id });
    mailed++;
  }
  return { invoices: json.length, mailed };
};`,
)
await run(invoices)

const orders = await install(
  'Sort the orders',
  'Note every order that comes in and keep the large ones apart',
  { capabilities: { 'notes.put': {}, 'web.fetch': { hosts: [HOST] } }, overlap: 'queue' },
  `export default async (ctx) => {
  const orders = [['Lamp', 40], ['Desk', 420], ['Chair', 180], ['Rug', 95], ['Shelf', 130], ['Sofa', 1290]];
  for (const [name, price] of orders) await ctx.emit({ topic: 'order', id: name, title: \`Order: \${name}, \${price} EUR\`, payload: { name, price } });
  return { orders: orders.length };
};
export const on = { order: async (ctx) => {
  const { name, price } = ctx.input;
  if (name === 'Rug') throw new TypeError("order Rug has no street: cannot read property 'length' of undefined");
  await tools.notes.put({ name: \`orders/\${name.toLowerCase()}\`, text: \`\${name} for \${price} EUR\` });
  if (price > 400) await tools.notes.put({ name: \`large/\${name.toLowerCase()}\`, text: 'look at this one' });
  return { noted: name };
} };`,
)
await run(orders)

const booking = await install(
  'Book the meeting room',
  'Book the small room every Monday',
  {
    triggers: [{ cron: '0 7 * * 1' }, { manual: true }],
    capabilities: { 'web.request': { hosts: [HOST] } },
  },
  `export default async () => { const r = await tools.web.request({ url: 'http://${HOST}/cut', method: 'POST', json: { room: 'small', day: 'Monday' } }); return { booked: r.status }; };`,
)
await run(booking)

const share = await install(
  'Share the minutes',
  'Mail the minutes to the team',
  { capabilities: { 'mail.send': MAIL } },
  `export default async () => { await tools.mail.send({ connection: 'mail', to: ['press@elsewhere.test'], subject: 'Minutes of the meeting', text: 'Here are the minutes of Tuesday.', once: 'minutes' }); };`,
)
await run(share)

const prices = await install(
  'Watch the price list',
  'Tell me when a price changes',
  {
    triggers: [{ every_ms: 3600000 }, { manual: true }],
    capabilities: { 'web.fetch': { hosts: [HOST] }, 'notify.send': {} },
  },
  `export default async () => { await tools.web.fetch({ url: 'http://${HOST}/gone' }); };`,
)
await run(prices)

const stats = await install(
  'Weekly statistics',
  'Every Friday, add up what was sold',
  { triggers: [{ cron: '0 17 * * 5' }, { manual: true }], capabilities: { 'web.fetch': { hosts: [HOST] } } },
  `export default async () => { const { json } = await tools.web.fetch({ url: 'http://${HOST}/invoices.json', as: 'json' });
  return { total: json.map((line) => line.price.net).reduce((a, b) => a + b) }; };`,
)
await run(stats)

const archive = await install(
  'Read the archive',
  'Read all pages of the archive once a month',
  { capabilities: { 'web.fetch': { hosts: [HOST] } }, budget: { steps: 5 } },
  `export default async () => { for (let n = 0; n < 9; n++) await tools.web.fetch({ url: \`http://${HOST}/page/\${n}\` }); };`,
)
await run(archive)

const sync = await install(
  'Copy bookings',
  'Copy the bookings to the calendar server',
  { capabilities: { 'web.fetch': { hosts: [HOST] } }, retries: { max: 5, first_ms: 60000, max_ms: 3600000 } },
  `export default async () => { await tools.web.fetch({ url: 'http://${HOST}/busy' }); };`,
)
await run(sync)

const heartbeat = await install(
  'Heartbeat',
  'Look at the door sensor and note what it says',
  { capabilities: { 'notes.put': {} }, overlap: 'queue' },
  `export default async (ctx) => { const n = ctx.input.n; if (n % 37 === 5) throw new Error('the sensor says nothing'); if (n % 2) await tools.notes.put({ name: 'door', text: 'shut' }); return { n }; };`,
)
for (let n = 0; n < many; n++) await send(heartbeat, { n }, `beat-${n}`)

await install(
  'Forward receipts',
  'Forward every receipt to whoever it names',
  {
    triggers: [{ webhook: 'receipt' }],
    capabilities: { 'mail.send': { connections: ['mail'], recipients: ['*'] } },
  },
  `export default async (ctx) => { await tools.mail.send({ connection: 'mail', to: ['someone@example.org'], subject: 'Receipt', text: 'A receipt for you.', once: 'r' }); };`,
  false,
)
await delegate('remind me every sunday at 10 to water the plants')
console.log('seeded')
