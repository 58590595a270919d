// The agent as the page's surfaces see it, on the WebAssembly core.

import { WebClient } from '../../../core/core'
import type { AnswerOf, Ask, Command, Deputy, Line, ViewState } from '../deputy'
import { plainly, readPlainly } from '../../words/plain'
import type { Event, Right } from '../types'
import { Driver } from './driver'
import type { KeptPairing, Store } from './store'

type Notice =
  | { type: 'event'; event: Event }
  | { type: 'answer'; token: number; answer?: { value: unknown }; error?: { message: string; hint: string } }
  | { type: 'device'; device: unknown }
  | { type: 'not_kept'; message: string }
  | { type: 'line' | 'view' | 'command' | 'forgotten' }

/** How it stands with an answer. */
interface Standing {
  /** The answer is another whenever this is. */
  changes: number
  trouble: string | null
  as_of_ms: number | null
  fresh: boolean
}

interface Waiting {
  resolve(answer: unknown): void
  reject(error: unknown): void
}

/** How long a question waits for the agent, ms. */
const PATIENCE = 20_000

/** How long an answer counts as fresh while it is asked for again, ms. */
const RECENT = 5_000

const NOTHING: ViewState<unknown> = { answer: null, trouble: null, asOfMs: null, fresh: false }

/** A core that is driven, and what it has said. */
export class WebDeputy implements Deputy {
  private readonly driver: Driver
  private readonly listeners = new Set<() => void>()
  private readonly eventListeners = new Set<(event: Event) => void>()
  private readonly waiting = new Map<number, Waiting>()
  /** Snapshots, of the same identity until they change. */
  private readonly views = new Map<string, { text: string; changes: number; view: ViewState<unknown> }>()
  private commandsText = ''
  private commandsNow: Command[] = []
  private lineText = ''
  private lineNow: Line = { state: 'connecting' }
  private deviceNow: { id: string; rights: Right[] }

  private constructor(
    private readonly client: WebClient,
    private readonly store: Store,
    device: string,
    private readonly onTrouble: (message: string) => void,
  ) {
    this.deviceNow = JSON.parse(device) as { id: string; rights: Right[] }
    this.driver = new Driver(client, {
      keep: (name, bytes) => store.keep(name, bytes),
      tell: (notice) => {
        this.hear(JSON.parse(notice) as Notice)
      },
      moved: () => {
        for (const listener of this.listeners) listener()
      },
    })
    if (client.trouble) onTrouble(client.trouble)
  }

  /** The agent of the pairing that this browser keeps. */
  static open(
    store: Store,
    { device, commands, views }: KeptPairing,
    onTrouble: (message: string) => void,
  ): WebDeputy {
    const client = new WebClient(device, commands, views, performance.now(), Date.now())
    const deputy = new WebDeputy(client, store, device, onTrouble)
    deputy.driver.move()
    return deputy
  }

  line = (): Line => {
    const text = this.client.line()
    if (text !== this.lineText) {
      this.lineText = text
      const line = JSON.parse(text) as Line
      // The core counts on the clock that only goes forward.
      if (line.until !== undefined) line.until += Date.now() - performance.now()
      this.lineNow = line
    }
    return this.lineNow
  }

  view = <K extends Ask>(ask: K): ViewState<AnswerOf<K>> => {
    const key = JSON.stringify(ask)
    const text = this.client.view(key)
    if (text === undefined) return NOTHING as ViewState<AnswerOf<K>>
    let known = this.views.get(key)
    if (known?.text !== text) {
      const { changes, trouble, as_of_ms, fresh } = JSON.parse(text) as Standing
      const answer =
        known?.changes === changes && known.view.answer !== null ? known.view.answer : this.answer(key)
      const view = {
        answer,
        trouble: plainly(trouble),
        asOfMs: as_of_ms,
        fresh: fresh || this.isRecent(as_of_ms),
      }
      known = { text, changes, view }
      this.views.set(key, known)
    }
    return known.view as ViewState<AnswerOf<K>>
  }

  private answer(key: string): unknown {
    const json = this.client.answer(key)
    return json === undefined ? null : (readPlainly(json) as { value: unknown }).value
  }

  watch = (ask: Ask): (() => void) => {
    const key = JSON.stringify(ask)
    this.tell((ticks, unix) => {
      this.client.watch(key, ticks, unix)
    })
    return () => {
      this.client.unwatch(key)
    }
  }

  ask = <K extends Ask>(ask: K, patienceMs = PATIENCE): Promise<AnswerOf<K>> => {
    return new Promise((resolve, reject) => {
      this.tell((ticks, unix) => {
        const token = this.client.ask(JSON.stringify(ask), patienceMs, ticks, unix)
        this.waiting.set(token, {
          resolve: (answer) => {
            resolve(answer as AnswerOf<K>)
          },
          reject,
        })
      })
    })
  }

  command = (ask: Ask): string => {
    let id = ''
    this.tell((ticks, unix) => {
      id = this.client.command(JSON.stringify(ask), ticks, unix)
    })
    return id
  }

  commands = (): Command[] => {
    const text = this.client.commands()
    if (text !== this.commandsText) {
      this.commandsText = text
      this.commandsNow = (JSON.parse(text) as Command[]).map(readable)
    }
    return this.commandsNow
  }

  withdraw = (id: string): boolean => {
    let withdrawn = false
    this.tell(() => {
      withdrawn = this.client.withdraw(id)
    })
    return withdrawn
  }

  forget = (id: string): void => {
    this.tell(() => {
      this.client.forget(id)
    })
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  onEvent = (listener: (event: Event) => void): (() => void) => {
    this.eventListeners.add(listener)
    return () => {
      this.eventListeners.delete(listener)
    }
  }

  device(): { id: string; rights: Right[] } {
    return this.deviceNow
  }

  /** The page is seen again, or hidden. */
  setSeen(isSeen: boolean): void {
    this.tell((ticks, unix) => {
      if (isSeen) this.client.resume(ticks, unix)
      else this.client.suspend()
    })
  }

  /** The network is another. */
  networkChanged(): void {
    this.tell((ticks, unix) => {
      this.client.networkChanged(ticks, unix)
    })
  }

  /** Lets go of everything. */
  end(): void {
    this.driver.end()
  }

  /** Asked again at every event, an answer is never of an earlier state for more than a moment. */
  private isRecent(asOfMs: number | null): boolean {
    return asOfMs !== null && this.line().state === 'open' && Date.now() - asOfMs < RECENT
  }

  private tell(something: (ticks: number, unix: number) => void): void {
    this.driver.say(() => {
      something(performance.now(), Date.now())
    })
  }

  private hear(notice: Notice): void {
    switch (notice.type) {
      case 'event':
        for (const listener of this.eventListeners) listener(plainly(notice.event))
        break
      case 'answer': {
        const waiting = this.waiting.get(notice.token)
        this.waiting.delete(notice.token)
        if (notice.answer) waiting?.resolve(plainly(notice.answer.value))
        else waiting?.reject(plainly(notice.error))
        break
      }
      case 'device': {
        const device = JSON.stringify(notice.device)
        this.deviceNow = notice.device as { id: string; rights: Right[] }
        this.store.keepDevice(device).catch((error: unknown) => {
          this.onTrouble(String(error))
        })
        break
      }
      case 'not_kept':
        this.onTrouble(notice.message)
        break
      default:
    }
  }
}

/** What the agent says of a command, to be read; what was asked stays as it is. */
function readable(command: Command): Command {
  if (command.state === 'refused' || command.state === 'unknown') {
    return { ...command, error: plainly(command.error) }
  }
  return command
}
