/**
 * The border: everything the interface knows of the agent goes through `Deputy`. The WebAssembly
 * core implements it in the product, `dev/` over a socket while developing.
 */

import type { AnswerOf, Ask } from './ask'
import type { Event, Right } from './types'

export type { AnswerOf, Ask, CommandAsk, QuestionAsk } from './ask'

/** How it stands with the agent. */
export interface Line {
  state: 'resting' | 'connecting' | 'open' | 'away' | 'not_known' | 'other_version'
  because?: 'no_relay' | 'offline' | 'broken'
  message?: string
  /** When the next try is, in milliseconds since 1970. */
  until?: number
}

/** What is known of an answer. The last known one stays while the line is away. */
export interface ViewState<T> {
  answer: T | null
  trouble: string | null
  asOfMs: number | null
  fresh: boolean
}

export interface Refusal {
  code: string
  message: string
  hint: string
}

export type CommandState =
  | { state: 'waiting' }
  | { state: 'sent' }
  | { state: 'applied'; answer: unknown }
  | { state: 'refused' | 'unknown'; error: Refusal }

export type Command = { id: string; ask: Ask; at_ms: number } & CommandState

export interface Deputy {
  line(): Line
  /** Last known; the same object until it changes. */
  view<K extends Ask>(ask: K): ViewState<AnswerOf<K>>
  /** Keeps an answer fresh until the returned function is called. */
  watch(ask: Ask): () => void
  /** Asks once; rejects with `{message, hint}`. */
  ask<K extends Ask>(ask: K, patienceMs?: number): Promise<AnswerOf<K>>
  /** Has a command applied, at most once; its id. Throws `{message}` when it is not allowed. */
  command(ask: Ask): string
  /** The same array until it changes. */
  commands(): Command[]
  /** Only while it is `waiting`. */
  withdraw(id: string): boolean
  forget(id: string): void
  /** Anything changed. */
  subscribe(listener: () => void): () => void
  onEvent(listener: (event: Event) => void): () => void
  device(): { id: string; rights: Right[] }
}
