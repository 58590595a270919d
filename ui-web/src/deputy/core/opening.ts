// How this browser comes to its agent: the pairing that it keeps, or the link that it was opened with.

import type { Opening } from '../../Root'
import { loadCore } from './load'
import { type KeptPairing, type Store, openStore } from './store'
import { WebDeputy } from './web-deputy'
import { type PairingState, PairingUnderWay } from './web-pairing'

type State = ReturnType<Opening['state']>

/** How long a page may be hidden before it lets its line go, ms. */
const HIDDEN = 60_000

/** The opening of the page. */
export class CoreOpening implements Opening {
  private now: State = { state: 'connecting' }
  private readonly listeners = new Set<() => void>()
  private store: Store | undefined
  private deputy: WebDeputy | undefined
  private pairing: PairingUnderWay | undefined
  private settle: () => void = () => undefined

  /** Resolves once there is something to act upon: what is not urgent waits for that. */
  readonly settled = new Promise<void>((resolve) => (this.settle = resolve))

  constructor() {
    this.begin().catch((error: unknown) => this.failed(error))
    let hiding: ReturnType<typeof setTimeout> | undefined
    document.addEventListener('visibilitychange', () => {
      clearTimeout(hiding)
      if (document.hidden) hiding = setTimeout(() => this.deputy?.setSeen(false), HIDDEN)
      else this.deputy?.setSeen(true)
    })
    window.addEventListener('online', () => this.deputy?.networkChanged())
    // A link that is pasted into the address bar of the open page.
    window.addEventListener('hashchange', () => {
      const link = linkOfAddress()
      if (link && this.deputy) this.offer(link)
      else if (link) this.pair(link, '')
    })
  }

  state = (): State => this.now

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  pair = (link: string, name: string): void => {
    const { store } = this
    if (!store) return
    this.pairing?.cancel()
    this.deputy?.end()
    this.deputy = undefined
    try {
      this.pairing = PairingUnderWay.begin(link, name || nameOfBrowser(), store, (state) =>
        this.paired(state),
      )
    } catch (error) {
      this.failed(error)
    }
  }

  again = (): void => {
    const { store } = this
    const wasOut = this.now.state === 'not_known'
    this.pairing?.cancel()
    this.pairing = undefined
    this.deputy?.end()
    this.deputy = undefined
    this.become({ state: 'no_link' })
    // A pairing that was to replace another came to nothing: that other one is still good.
    if (store && !wasOut) this.openKept(store).catch((error: unknown) => this.failed(error))
  }

  keep = (): void => {
    if (this.now.state === 'paired') this.become({ state: 'paired', deputy: this.now.deputy })
  }

  cancel = (): void => this.again()

  private async begin(): Promise<void> {
    const opening = openStore()
    // Read while the core comes.
    const reading = opening.then((store) => store.pairing())
    const [store, kept] = await Promise.all([opening, reading, loadCore()])
    this.store = store
    const link = linkOfAddress()
    if (kept) {
      this.open(store, kept)
      if (link) this.offer(link)
      return
    }
    if (link) this.pair(link, '')
    else this.become({ state: 'no_link' })
  }

  /** A link for a browser that is paired: whether it is used is asked first. */
  private offer(link: string): void {
    if (this.now.state === 'paired') this.become({ ...this.now, offered: link })
    else this.pair(link, '')
  }

  /** The agent of the pairing that is kept, if one is. */
  private async openKept(store: Store): Promise<void> {
    const kept = await store.pairing()
    if (kept) this.open(store, kept)
  }

  private open(store: Store, kept: KeptPairing): void {
    const deputy = WebDeputy.open(store, kept, (message) => console.warn(message))
    this.deputy = deputy
    const look = () => {
      const { state } = deputy.line()
      const isOut = state === 'not_known' || state === 'other_version'
      if (isOut) this.become({ state })
      else if (this.now.state !== 'paired') this.become({ state: 'paired', deputy })
      if (state !== 'connecting') this.settle()
    }
    deputy.subscribe(look)
    look()
  }

  private paired(state: PairingState): void {
    if (state.state !== 'paired') {
      this.become(state.state === 'failed' ? { ...state, message: sentence(state.message) } : state)
      return
    }
    this.pairing = undefined
    if (this.store) this.openKept(this.store).catch((error: unknown) => this.failed(error))
  }

  private failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.become({ state: 'failed', message: sentence(message) })
  }

  private become(state: State): void {
    this.now = state
    if (state.state !== 'connecting' && state.state !== 'paired') this.settle()
    for (const listener of this.listeners) listener()
  }
}

/** The pairing link in the address bar, which is taken out of it: it is nobody else's business. */
function linkOfAddress(): string | undefined {
  const fragment = location.hash.slice(1)
  // Shorter ones are places on a page.
  if (fragment.length < 100) return undefined
  history.replaceState(null, '', location.pathname + location.search)
  return `https://${location.host}/#${fragment}`
}

/** How the person may know this browser, e.g. “Chrome on Linux”. */
function nameOfBrowser(): string {
  const { userAgent } = navigator
  const browsers = ['Firefox', 'Edg', 'OPR', 'Chrome', 'Safari']
  const found = browsers.find((each) => userAgent.includes(each)) ?? 'Browser'
  const browser = { Edg: 'Edge', OPR: 'Opera' }[found] ?? found
  const systems = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac', 'Linux']
  const system = systems.find((each) => userAgent.includes(each))
  return system ? `${browser} on ${system}` : browser
}

/** The core’s messages go on a sentence; here they are one. */
function sentence(message: string): string {
  const words = message.charAt(0).toUpperCase() + message.slice(1).replaceAll('`', '')
  return /\w$/.test(words) ? `${words}.` : words
}
