// Where an agent is reached, and the way there: what is tried, in which order, with which head start.

import { type Carrier, Refused, opening } from './link'
import { openLoopback, openWebSocket } from './websocket'
import { openWebTransport } from './webtransport'

/** A relay, and the agent's route for this device there. */
export interface Place {
  address: string
  route: string
  certificate?: number[]
}

/** How long the second way waits for the first, ms. */
const HEAD_START = 300

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

type Way = (signal: AbortSignal) => Promise<Carrier>

/** What worked last on this network is tried first. */
let last: Carrier['kind'] | undefined

/** Another network: what worked on the last one says nothing. */
export function networkChanged(): void {
  last = undefined
}

/**
 * Opens a stream to the agent by whichever way is there first. `first` is said to the agent without
 * waiting for anything; it may hear it from more than one way.
 */
export async function openPlace(
  place: Place,
  software: string,
  first: Uint8Array,
  signal: AbortSignal,
): Promise<Carrier> {
  if (location.protocol === 'http:' && LOOPBACK.test(location.hostname)) {
    try {
      return await openLoopback(place, first, signal)
    } catch {
      // Another agent than the one that served this page, or none.
      if (isHere(place)) throw new Error(await whoAnswers(place, signal))
    }
  }
  const words = opening(software, place.route, first)
  const transport: Way = (signal) => openWebTransport(place, words, signal)
  const socket: Way = (signal) => openWebSocket(place, words, signal)
  const ways = last === 'websocket' ? [socket, transport] : [transport, socket]
  const possible = ways.filter((way) => way !== transport || typeof WebTransport !== 'undefined')
  const carrier = await race(possible, signal)
  last = carrier.kind
  return carrier
}

/** Whether a place is on the agent's own machine, so that no relay leads there. */
function isHere(place: Place): boolean {
  return place.certificate === undefined && place.address.startsWith('localhost:')
}

/** Why a place on this machine brought nothing, and what to do. */
async function whoAnswers(place: Place, signal: AbortSignal): Promise<string> {
  const { host } = location
  try {
    // Whatever it says: somebody is there.
    await fetch('/session', { signal, cache: 'no-store' })
  } catch {
    return `nothing answers at ${host}. Start the agent on its machine: deputy up`
  }
  const there = `http://${place.address}`
  const isSame = there.split(':').at(-1) === host.split(':').at(-1)
  return isSame
    ? `the agent that answers at ${host} does not know this browser: it is another agent, or has let this browser go. If it is yours, ask it for a new link: deputy pair`
    : `another agent answers at ${host}. The one that is meant is at ${there}, on its own machine: open that address there`
}

async function race(ways: Way[], signal: AbortSignal): Promise<Carrier> {
  const losers = new AbortController()
  const stop = AbortSignal.any([signal, losers.signal])
  const [first, second] = ways
  if (!first) throw new Error('this browser has no way to a relay')
  let failed: (reason: unknown) => void = () => undefined
  const early = new Promise<unknown>((resolve) => (failed = resolve))
  const one = first(stop).catch((error: unknown) => {
    failed(error)
    throw error
  })
  if (!second) return one
  const two = (async () => {
    const pause = new Promise((resolve) => setTimeout(resolve, HEAD_START))
    const error = await Promise.race([pause, early])
    // In words, by the relay itself: the other way would hear the same.
    if (error instanceof Refused) throw error
    return second(stop)
  })()
  try {
    const won = await Promise.any([one, two])
    void letGo([one, two], won, losers)
    return won
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
    throw errors.find((each) => each instanceof Refused) ?? errors[0]
  }
}

/** Ends what came second, unless it is what came first. */
async function letGo(all: Promise<Carrier>[], won: Carrier, losers: AbortController): Promise<void> {
  losers.abort()
  for (const each of await Promise.allSettled(all)) {
    if (each.status === 'fulfilled' && each.value !== won) each.value.abort()
  }
}
