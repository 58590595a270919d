// Moves the core: does what it says, and says what came of it.

import type { WebEffect } from '../../../core/core'
import { type Carrier, Refused, Reset } from './link'
import { type Place, networkChanged, openPlace } from './place'

/** What `WebClient` and `WebPairing` have in common. */
export interface Machine {
  nextEffect(): WebEffect | undefined
  wakeAt(): number | undefined
  woken(ticks: number, unix: number): void
  connected(attempt: number, ticks: number, unix: number): void
  failed(attempt: number, refused: string | undefined, why: string, ticks: number, unix: number): void
  received(attempt: number, bytes: Uint8Array, ticks: number, unix: number): void
  ended(attempt: number, code: number | undefined, ticks: number, unix: number): void
}

/** What a driver cannot do by itself. */
export interface Surroundings {
  /** Keeps bytes; what comes after waits for it. */
  keep(name: string, bytes: Uint8Array): Promise<void>
  tell(notice: string): void
  /** Something may have changed. */
  moved(): void
}

const SOFTWARE = 'deputy-web'

/** The longest that a browser's timer waits, ms. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Drives one machine until it is ended. */
export class Driver {
  private readonly streams = new Map<number, Stream>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private keeping = false
  private isOver = false

  constructor(
    private readonly machine: Machine,
    private readonly around: Surroundings,
  ) {}

  /** Does all that is to be done by now. To be called whenever the machine was told something. */
  move(): void {
    if (this.isOver || this.keeping) return
    for (;;) {
      const effect = this.machine.nextEffect()
      if (!effect) break
      const isKept = this.apply(effect)
      effect.free()
      if (isKept) return
    }
    clearTimeout(this.timer)
    const at = this.machine.wakeAt()
    if (at !== undefined) {
      const pause = Math.min(Math.max(at - performance.now(), 0), LONGEST_TIMER)
      this.timer = setTimeout(() => {
        this.say(() => this.machine.woken(performance.now(), Date.now()))
      }, Math.ceil(pause))
    }
    this.around.moved()
  }

  /** Says something to the machine, and does what follows. */
  say(something: () => void): void {
    if (this.isOver) return
    something()
    this.move()
  }

  /** Ends everything. */
  end(): void {
    this.isOver = true
    clearTimeout(this.timer)
    for (const stream of this.streams.values()) stream.hangUp()
    this.streams.clear()
  }

  /** True when what comes next has to wait. */
  private apply(effect: WebEffect): boolean {
    const { attempt } = effect
    switch (effect.kind) {
      case 'dial':
        this.streams.set(attempt, new Stream(attempt, JSON.parse(effect.detail) as Place, effect.bytes, this))
        return false
      case 'send':
        this.streams.get(attempt)?.send(effect.bytes)
        return false
      case 'close':
        this.streams.get(attempt)?.close()
        this.streams.delete(attempt)
        return false
      case 'hang_up':
        this.streams.get(attempt)?.hangUp()
        this.streams.delete(attempt)
        return false
      case 'network_changed':
        networkChanged()
        return false
      case 'keep':
        this.keep(JSON.parse(effect.detail) as string, effect.bytes)
        return true
      default:
        this.around.tell(effect.detail)
        return false
    }
  }

  private keep(name: string, bytes: Uint8Array): void {
    this.keeping = true
    this.around
      .keep(name, bytes)
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error)
        this.around.tell(JSON.stringify({ type: 'not_kept', message }))
      })
      .finally(() => {
        this.keeping = false
        this.move()
      })
  }

  /** For streams: what has become of one. */
  hear(what: (machine: Machine, ticks: number, unix: number) => void): void {
    this.say(() => {
      what(this.machine, performance.now(), Date.now())
    })
  }
}

/** One attempt to reach the agent, and what it leads to. */
class Stream {
  private readonly stop = new AbortController()
  private carrier: Carrier | undefined

  constructor(
    private readonly attempt: number,
    place: Place,
    first: Uint8Array,
    private readonly driver: Driver,
  ) {
    void this.run(place, first)
  }

  send(bytes: Uint8Array): void {
    this.carrier?.write(bytes)
  }

  close(): void {
    this.carrier?.close()
  }

  hangUp(): void {
    this.stop.abort()
    this.carrier?.abort()
  }

  private async run(place: Place, first: Uint8Array): Promise<void> {
    const { attempt, driver } = this
    let carrier: Carrier
    try {
      carrier = await openPlace(place, SOFTWARE, first, this.stop.signal)
    } catch (error) {
      const refused = error instanceof Refused ? error.code : undefined
      const why = error instanceof Error ? error.message : String(error)
      driver.hear((machine, ticks, unix) => {
        machine.failed(attempt, refused, why, ticks, unix)
      })
      return
    }
    if (this.stop.signal.aborted) {
      carrier.abort()
      return
    }
    this.carrier = carrier
    driver.hear((machine, ticks, unix) => {
      machine.connected(attempt, ticks, unix)
    })
    const code = await this.receive(carrier)
    driver.hear((machine, ticks, unix) => {
      machine.ended(attempt, code, ticks, unix)
    })
  }

  /** Hands over what comes until nothing more does; the code of a reset. */
  private async receive(carrier: Carrier): Promise<number | undefined> {
    try {
      for (;;) {
        const bytes = await carrier.read()
        if (bytes === null) return undefined
        this.driver.hear((machine, ticks, unix) => {
          machine.received(this.attempt, bytes, ticks, unix)
        })
      }
    } catch (error) {
      return error instanceof Reset ? error.code : undefined
    }
  }
}
