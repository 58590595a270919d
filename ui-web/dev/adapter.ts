/**
 * `Deputy` over the development server, so that the interface can be seen with a real agent. It
 * keeps views and commands in memory only. `away()` plays a broken line.
 */

import type { AnswerOf, Ask, Command, CommandState, Deputy, Line, ViewState } from '../src/deputy/deputy'
import type { Event } from '../src/deputy/types'
import { withSamples, isSample } from './samples'

interface Reply {
  ok?: unknown
  error?: { code: string; message: string; hint: string }
}

const EMPTY: ViewState<never> = { answer: null, trouble: null, asOfMs: null, fresh: false }

export class DevDeputy implements Deputy {
  #line: Line = { state: 'open' }
  #views = new Map<string, ViewState<unknown>>()
  #watched = new Map<string, number>()
  #commands: Command[] = []
  #listeners = new Set<() => void>()
  #eventListeners = new Set<(event: Event) => void>()
  #refresh: ReturnType<typeof setTimeout> | undefined

  constructor() {
    const source = new EventSource('/__agent/events')
    source.onmessage = ({ data }) => {
      const event = JSON.parse(String(data)) as Event
      for (const listener of this.#eventListeners) listener(event)
      this.#later()
    }
  }

  line = () => this.#line

  view = <K extends Ask>(ask: K) => (this.#views.get(JSON.stringify(ask)) ?? EMPTY) as ViewState<AnswerOf<K>>

  watch = (ask: Ask) => {
    const key = JSON.stringify(ask)
    this.#watched.set(key, (this.#watched.get(key) ?? 0) + 1)
    void this.#load(key)
    return () => {
      const left = (this.#watched.get(key) ?? 1) - 1
      if (left > 0) this.#watched.set(key, left)
      else this.#watched.delete(key)
    }
  }

  ask = async <K extends Ask>(ask: K) => {
    const reply = await this.#post(ask)
    // The border promises a rejection with `{message, hint}`.
    if (reply.error) throw Object.assign(new Error(reply.error.message), { hint: reply.error.hint })
    return reply.ok as AnswerOf<K>
  }

  command = (ask: Ask) => {
    const id = crypto.randomUUID()
    this.#commands = [...this.#commands, { id, ask, at_ms: Date.now(), state: 'waiting' }]
    this.#changed()
    if (this.#line.state === 'open') void this.#send(id)
    return id
  }

  commands = () => this.#commands

  withdraw = (id: string) => {
    if (this.#commands.find((one) => one.id === id)?.state !== 'waiting') return false
    this.forget(id)
    return true
  }

  forget = (id: string) => {
    this.#commands = this.#commands.filter((one) => one.id !== id)
    this.#changed()
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  onEvent = (listener: (event: Event) => void) => {
    this.#eventListeners.add(listener)
    return () => void this.#eventListeners.delete(listener)
  }

  device = () => ({ id: 'd1', rights: ['view' as const, 'control' as const, 'approve' as const] })

  /** Breaks the line, or mends it. */
  away(isAway: boolean) {
    this.#line = isAway
      ? {
          state: 'away',
          because: 'offline',
          message: 'the agent is not connected to the relay',
          until: Date.now() + 8_000,
        }
      : { state: 'open' }
    for (const [key, view] of this.#views) this.#views.set(key, { ...view, fresh: !isAway })
    this.#changed()
    if (isAway) return
    for (const one of this.#commands) if (one.state === 'waiting') void this.#send(one.id)
    this.#later()
  }

  async #post(ask: Ask, id?: string): Promise<Reply> {
    const response = await fetch('/__agent/ask', { method: 'POST', body: JSON.stringify({ ask, id }) })
    return (await response.json()) as Reply
  }

  async #load(key: string) {
    if (this.#line.state !== 'open') return
    const ask = JSON.parse(key) as Ask
    const reply = await this.#post(ask)
    const known = this.#views.get(key)
    const next: ViewState<unknown> = reply.error
      ? {
          answer: known?.answer ?? null,
          trouble: reply.error.message,
          asOfMs: known?.asOfMs ?? null,
          fresh: false,
        }
      : { answer: withSamples(ask, reply.ok), trouble: null, asOfMs: Date.now(), fresh: true }
    if (known && JSON.stringify({ ...known, asOfMs: 0 }) === JSON.stringify({ ...next, asOfMs: 0 })) return
    this.#views.set(key, next)
    this.#changed()
  }

  async #send(id: string) {
    const ask = this.#commands.find((one) => one.id === id)?.ask
    if (!ask) return
    this.#become(id, { state: 'sent' })
    const reply: Reply = isSample(ask) ? { ok: null } : await this.#post(ask, id)
    this.#become(
      id,
      reply.error ? { state: 'refused', error: reply.error } : { state: 'applied', answer: reply.ok },
    )
    this.#later()
  }

  #become(id: string, state: CommandState) {
    this.#commands = this.#commands.map((one) =>
      one.id === id ? { id, ask: one.ask, at_ms: one.at_ms, ...state } : one,
    )
    this.#changed()
  }

  #later() {
    clearTimeout(this.#refresh)
    this.#refresh = setTimeout(() => {
      for (const key of this.#watched.keys()) void this.#load(key)
    }, 80)
  }

  #changed() {
    for (const listener of this.#listeners) listener()
  }
}
