// A real agent, a real relay and a real browser, in temporary directories; all gone at the end.

import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const DEBUG = new URL('../../target/debug/', import.meta.url).pathname
const DEPUTY = process.env.DEPUTY ?? join(DEBUG, 'deputy')
const RELAY = process.env.DEPUTY_RELAY ?? join(DEBUG, 'deputy-relay')
const MODEL = process.env.DEPUTY_MODEL_SERVER ?? join(DEBUG, 'deputy-model-server')
const PAGE = new URL('../dist', import.meta.url).pathname
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Where screenshots are left. */
const SHOTS = process.env.SHOTS ?? new URL('../../target/screenshots/', import.meta.url).pathname

/** How long anything may take, ms: the machine may be busy. */
export const PATIENCE = 30_000

const directory = mkdtempSync(join(tmpdir(), 'deputy-e2e-'))
const running = new Set()
let bundles = 0

function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  running.add(child)
  child.on('exit', () => running.delete(child))
  child.stderr.resume()
  return child
}

/** The first line of a stream that holds something. */
function line(stream, pattern) {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`nothing like ${pattern} in: ${text}`)), PATIENCE)
    stream.on('data', (data) => {
      text += data
      const found = text.match(pattern)
      if (found) {
        clearTimeout(timer)
        resolve(found)
      }
    })
  })
}

/** Waits for something to become true. */
export async function until(what, condition, patience = PATIENCE) {
  const deadline = Date.now() + patience
  for (;;) {
    const found = await condition()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** An agent with a data directory of its own. */
export class Agent {
  constructor(name) {
    this.home = join(directory, name)
    this.env = { ...process.env, DEPUTY_HOME: this.home }
  }

  async up(...args) {
    // The same port after a restart, as the default is.
    const listen = this.address ? this.address.replace('http://', '') : '127.0.0.1:0'
    this.child = start(DEPUTY, ['up', '--json', '--no-open', '--listen', listen, ...args], { env: this.env })
    const [said] = await line(this.child.stdout, /\{.*\}/)
    this.address = JSON.parse(said).listen
    return this
  }

  async kill() {
    const ended = new Promise((resolve) => this.child.on('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
  }

  /** What a command prints; what it is refused with when it fails. */
  cli(...args) {
    return this.tell('', ...args)
  }

  /** The same, with something on its standard input. */
  tell(input, ...args) {
    return new Promise((resolve, reject) => {
      const options = { env: this.env, maxBuffer: 1 << 28 }
      const child = execFile(DEPUTY, [...args, '--json'], options, (_, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout || stderr))
        } catch {
          reject(new Error(`deputy ${args.join(' ')}: ${stdout}${stderr}`))
        }
      })
      // Who reads nothing may be gone by now.
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
    })
  }

  /** Installs a bundle and accepts it with all its doubts; its automation's id. */
  async install(name, contract, script) {
    const whole = { contract: 1, purpose: name, timezone: 'UTC', triggers: [{ manual: true }], ...contract }
    const file = join(directory, `bundle-${++bundles}.json`)
    writeFileSync(file, JSON.stringify({ bundle: 1, name, contract: whole, script }))
    const proposal = await this.cli('install', file)
    if (!proposal.id) throw new Error(`${name} is not taken: ${JSON.stringify(proposal)}`)
    const confirm = proposal.doubts.flatMap((doubt) => ['--confirm', doubt.id])
    const accepted = await this.cli('proposal', 'accept', proposal.id, ...confirm)
    if (accepted.state !== 'accepted') throw new Error(`${name}: ${JSON.stringify(accepted)}`)
    return accepted.automation
  }

  /** The open item of a kind, as soon as there is one. */
  need(kind) {
    return until(`an item: ${kind}`, async () => (await this.cli('needs')).find((one) => one.kind === kind))
  }

  /** Plans and repairs are what a script of the provider's says. */
  async model(lines) {
    const file = join(directory, `model-${++bundles}.json`)
    writeFileSync(file, JSON.stringify(lines))
    const child = start(MODEL, [file])
    const [url] = await line(child.stdout, /http\S+/)
    /** What the provider found wrong with what it was asked. */
    this.violations = ''
    child.stderr.on('data', (data) => (this.violations += data))
    const place = ['--provider', 'anthropic', '--base-url', url, '--model', 'scripted', '--key-stdin']
    await this.tell('sk-scripted-key', 'model', 'set', ...place)
    await this.cli('config', 'set', 'repair.cool_down_ms', '0')
  }

  /** Pairs a page that is served by `server`, with the person's word; compares the phrases. */
  async pair(page, server = this, rights = 'view,control,approve') {
    const { id, link } = await this.cli('pair', '--rights', rights)
    await page.goto(`${server.address}/#${link.split('#')[1]}`)
    const shown = (await page.locator('.phrase span').allTextContents()).join(' ')
    const phrase = shown || (await page.locator('.phrase').innerText()).split(/\s+/).join(' ')
    const { phrase: told } = await this.cli('pair', '--id', id)
    if (phrase !== told) throw new Error(`the page shows “${phrase}”, the agent “${told}”`)
    await this.cli('pair', '--id', id, '--same')
    await connected(page).waitFor({ timeout: PATIENCE })
  }
}

/** A relay whose certificate outlives it. */
export class Relay {
  constructor() {
    this.folder = mkdtempSync(join(directory, 'relay-'))
    const file = (name) => join(this.folder, name)
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '13',
      ].concat(
        ['-subj', '/CN=relay', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ['-keyout', file('key.pem'), '-out', file('chain.pem')],
      ),
      { stdio: 'ignore' },
    )
    const of = (...args) => execFileSync('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] })
    const der = of('x509', '-in', file('chain.pem'), '-outform', 'der')
    const sha256 = (bytes) => execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: bytes })
    this.hash = sha256(der).toString('base64url')
    const publicKey = of('pkey', '-in', file('key.pem'), '-pubout', '-outform', 'der')
    /** What Chromium is told to believe where it takes no certificate by its hash. */
    this.spki = sha256(publicKey).toString('base64')
  }

  async up() {
    const files = ['--certificate', join(this.folder, 'chain.pem'), '--key', join(this.folder, 'key.pem')]
    const listen = `127.0.0.1:${this.port ?? 0}`
    this.child = start(RELAY, ['--listen', listen, '--name', '127.0.0.1', '--page', PAGE, ...files], {
      env: { ...process.env, DEPUTY_RELAY_LOG_FORMAT: 'text', NO_COLOR: '1' },
    })
    const [, port] = await line(this.child.stdout, /127\.0\.0\.1:(\d+)/)
    this.port = port
    return this
  }

  async kill() {
    const ended = new Promise((resolve) => this.child.on('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
  }

  /** Where it serves the page. */
  get address() {
    return `https://127.0.0.1:${this.port}`
  }

  /** As `deputy up --relay` takes it. */
  get place() {
    return `127.0.0.1:${this.port}#${this.hash}`
  }
}

/** Chromium, with what it is told about certificates. */
export function browser(...args) {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', ...args],
  })
}

/** A page that fails the check when it meets an error. */
export async function open(context, trouble) {
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE)
  page.on('pageerror', (error) => trouble.push(`the page failed: ${error.message}`))
  page.on('console', (message) => {
    // What cannot be reached is no fault of the page.
    const isNetwork = /WebSocket|WebTransport|ERR_|Failed to load resource/.test(message.text())
    if (message.type() === 'error' && !isNetwork) trouble.push(`the console says: ${message.text()}`)
  })
  return page
}

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
export const DESKTOP = { viewport: { width: 1280, height: 800 } }

/** Waits for words that can be seen. */
export function seen(page, words) {
  return page.getByText(words).locator('visible=true').first().waitFor()
}

/** Waits until words can be seen no longer. */
export function gone(page, words) {
  return until(`“${words}” to go`, async () => {
    return (await page.getByText(words).locator('visible=true').count()) === 0
  })
}

/** The mark of a line that is open. */
export function connected(page) {
  return page.locator('.line-mark.line-open:visible').first()
}

/** Leaves a picture to be looked at. */
export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

/** Ends everything. */
export function end() {
  for (const child of running) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}

/** Fails when a page scrolls sideways, and says what is too wide. */
export async function fits(page, what) {
  const wide = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - innerWidth
    if (over <= 0) return null
    const all = [...document.querySelectorAll('body *')]
    const sticking = all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    const named = sticking.slice(0, 40).map((one) => `${one.localName}.${one.getAttribute('class')}`)
    return `${over} px: ${[...new Set(named)].join(' ')}`
  })
  if (wide) throw new Error(`${what} scrolls sideways by ${wide}`)
}
