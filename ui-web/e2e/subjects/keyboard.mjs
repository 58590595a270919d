// Without a mouse: every control of every place is reached by Tab, in view, with a focus that can be
// seen; what opens closes with Escape and gives the focus back.

import { Agent, DESKTOP, connected, until } from '../world.mjs'

const PLACES = [
  '/needs',
  '/chat',
  '/automations',
  '/automations/a1',
  '/automations/a2',
  '/automations/a2/versions',
  '/runs',
  '/runs/r1',
  '/costs',
  '/connections',
  '/devices',
  '/settings',
  '/proposals/p1',
]

/** The focus: what it is on, and whether it can be seen; to be run in the page. */
function focus() {
  const one = document.activeElement
  if (!one || one === document.body) return null
  const box = one.getBoundingClientRect()
  const { outlineStyle, outlineWidth } = getComputedStyle(one)
  // A field's ring may be around what it stands in.
  const around = one.closest('.composer, .palette-field')
  const ring = around ? getComputedStyle(around) : null
  const isRinged =
    (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || (ring && ring.outlineStyle !== 'none')
  const path = []
  for (let at = one; at && at !== document.body; at = at.parentElement) {
    path.unshift([...(at.parentElement?.children ?? [])].indexOf(at))
  }
  return {
    path: path.join('/'),
    html: one.outerHTML.slice(0, 120),
    isSeen:
      box.width > 0 &&
      box.height > 0 &&
      box.bottom > 0 &&
      box.top < innerHeight &&
      box.right > 0 &&
      box.left < innerWidth,
    isRinged: Boolean(isRinged),
    isMain: one.id === 'main',
  }
}

/** Every control that a mouse could use; those of a group that arrows move in stand for one another. */
function controls() {
  const all = [...document.querySelectorAll('a[href], button, input, textarea, select, [tabindex]')]
  return all
    .filter((one) => {
      const box = one.getBoundingClientRect()
      const isHidden =
        one.closest('[hidden], [aria-hidden=true], .hidden, [inert]') ||
        getComputedStyle(one).visibility === 'hidden'
      if (isHidden || one.disabled || one.tabIndex < 0 || box.width < 2 || box.height < 2) return false
      return one.id !== 'main'
    })
    .map((one) => {
      const path = []
      for (let at = one; at && at !== document.body; at = at.parentElement) {
        path.unshift([...(at.parentElement?.children ?? [])].indexOf(at))
      }
      return {
        path: path.join('/'),
        html: one.outerHTML.slice(0, 120),
        isGrouped: Boolean(one.closest('[role=radiogroup], [role=toolbar]')),
      }
    })
}

/** Presses Tab all around a place: what was met, what was not, and whether it changed meanwhile. */
async function tabbed(page, place) {
  const wanted = await page.evaluate(controls)
  const met = new Set()
  await page.evaluate(() => document.activeElement?.blur())
  for (let press = 0; press < wanted.length + 30; press++) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(focus)
    // Past the last one the focus is the browser's own, then the page's first.
    if (!now) continue
    if (!now.isMain && !now.isSeen) throw new Error(`${place}: out of sight: ${now.html}`)
    if (!now.isMain && !now.isRinged) throw new Error(`${place}: no ring: ${now.html}`)
    met.add(now.path)
  }
  const missed = wanted.filter((one) => !met.has(one.path) && !one.isGrouped)
  const paths = (all) => all.map((one) => one.path).join(' ')
  const hasChanged = paths(wanted) !== paths(await page.evaluate(controls))
  return { met, missed, hasChanged }
}

export default async function keyboard(stage) {
  const agent = await new Agent('keyboard').up()
  const page = await stage.page(DESKTOP)

  return {
    async 'pairing, from the first key on'() {
      const { id, link } = await agent.cli('pair')
      await page.goto(agent.address)
      await page.getByLabel('Link').waitFor()
      await page.keyboard.press('Tab')
      await page.keyboard.type(link)
      await page.keyboard.press('Tab')
      await page.keyboard.type('The desk')
      await page.keyboard.press('Enter')
      await page.locator('.phrase').waitFor()
      await agent.cli('pair', '--id', id)
      await agent.cli('pair', '--id', id, '--same')
      await connected(page).waitFor()
      const [{ name }] = await agent.cli('devices')
      if (name !== 'The desk') throw new Error(`it is called ${name}`)
    },

    async 'every control is reached, in view, and with a ring'() {
      await agent.cli('delegate', 'remind me every weekday at 9 to stand up')
      const contract = { capabilities: { 'notes.put': {} }, requires_approval: [{ of: 'notes.put' }] }
      const asking = await agent.install(
        'Ask first',
        contract,
        `export default async () => { await tools.notes.put({ name: 'n', text: 'x' }); };`,
      )
      await agent.cli('automation', 'run', asking, '--no-wait')
      await agent.need('approval')
      for (const place of PLACES) {
        await page.goto(agent.address + place)
        await connected(page).waitFor()
        await page.getByRole('heading', { level: 1 }).first().waitFor()
        await until(`${place} to be there`, async () => (await page.locator('.skeleton').count()) === 0)
        // What comes in while the keys are pressed moves things: then they are pressed once more.
        let round
        do round = await tabbed(page, place)
        while (round.hasChanged)
        const { met, missed } = round
        if (missed.length > 0)
          throw new Error(`${place}: not reached: ${missed.map((one) => one.html).join('\n')}`)
        if (met.size < 10) throw new Error(`${place}: only ${met.size} stops`)
      }
    },

    async 'the way to the content is one key, and places are two'() {
      await page.goto(`${agent.address}/automations`)
      await connected(page).waitFor()
      await page.locator('.skip-link').focus()
      await page.keyboard.press('Enter')
      await until('the content', () => page.evaluate(() => document.activeElement?.id === 'main'))
      for (const [key, path] of [
        ['r', '/runs'],
        ['n', '/needs'],
        ['s', '/settings'],
        ['a', '/automations'],
      ]) {
        await page.keyboard.press('g')
        await page.keyboard.press(key)
        await page.waitForURL((url) => url.pathname === path)
      }
    },

    async 'an errand is delegated, answered and archived by keys alone'() {
      await page.keyboard.press('/')
      await page.waitForURL(/chat/)
      await page.getByRole('textbox').focus()
      await page.keyboard.type('remind me every sunday at 10 to water the plants')
      await page.keyboard.press('Enter')
      const proposal = page.locator('article.proposal').last()
      await proposal.filter({ hasText: 'plants' }).waitFor()
      await proposal.getByRole('button', { name: 'Delegate' }).focus()
      await page.keyboard.press('Enter')
      await until('the automation', async () =>
        (await agent.cli('automations')).some((one) => /plants/.test(one.name) && one.state === 'active'),
      )
      await page.goto(`${agent.address}/needs`)
      await page.getByRole('button', { name: 'Approve', exact: true }).focus()
      await page.keyboard.press('Enter')
      await until('the answer', async () => (await agent.cli('needs')).length === 0)
      await page.goto(`${agent.address}/automations/a2`)
      const archive = page.getByRole('button', { name: 'Archive this automation' })
      await archive.focus()
      await page.keyboard.press('Enter')
      const dialog = page.getByRole('alertdialog')
      await dialog.waitFor()
      for (let press = 0; press < 6; press++) {
        await page.keyboard.press('Tab')
        if (!(await dialog.evaluate((one) => one.contains(document.activeElement))))
          throw new Error('the focus left the dialog')
      }
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      await until('the focus to be back', () => archive.evaluate((one) => one === document.activeElement))
      if ((await agent.cli('automations')).find((one) => one.id === 'a2').state === 'archived')
        throw new Error('Escape archived it')
    },

    async 'the palette opens, finds, goes, and closes with Escape'() {
      await page.keyboard.press('Control+k')
      const palette = page.getByRole('dialog', { name: 'Go to' })
      await palette.waitFor()
      await page.keyboard.press('Escape')
      await palette.waitFor({ state: 'detached' })
      await page.keyboard.press('Control+k')
      await palette.waitFor()
      await page.keyboard.type('plants')
      await palette.getByText('plants').first().waitFor()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.waitForURL(/automations\/a3/)
      await palette.waitFor({ state: 'detached' })
    },

    async 'a list that opens is moved in by arrows, and closes with Escape'() {
      await page.goto(`${agent.address}/runs`)
      await connected(page).waitFor()
      const picker = page.getByRole('button', { name: /State/ })
      await picker.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('listbox').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('listbox').waitFor({ state: 'detached' })
      // The list is gone a frame before the button has the focus again.
      await page.locator('.picker-button:focus').waitFor()
      await page.keyboard.press('Enter')
      await page.getByRole('listbox').waitFor()
      for (let press = 0; press < 10; press++) {
        const active = await page.evaluate(() => document.activeElement?.textContent)
        if (/^Failed/.test(active ?? '')) break
        await page.keyboard.press('ArrowDown')
      }
      await page.keyboard.press('Enter')
      await picker.filter({ hasText: 'Failed' }).waitFor()
    },
  }
}
