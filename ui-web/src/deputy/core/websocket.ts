// WebSockets: through a relay where UDP is blocked, and straight to an agent on this machine.

import { type Carrier, Messages, Reset, type Words } from './link'
import type { Place } from './place'

const PATH = '/deputy/link'

/** Close codes of the link are these more. */
const CLOSE_BASE = 4000

/** The most bytes of one message. */
const MOST = 65_536

/** A stream to the agent through a relay. */
export async function openWebSocket(place: Place, words: Words, signal: AbortSignal): Promise<Carrier> {
  const socket = await open(`wss://${place.address}${PATH}`, signal)
  try {
    const messages = new Messages(() => socket.read())
    socket.write(words.hello)
    socket.write(words.dial)
    await messages.expect('welcome')
    await messages.expect('connected')
    return { ...socket, kind: 'websocket', read: () => messages.read() }
  } catch (error) {
    socket.abort()
    throw error
  }
}

/** A stream to the agent that has served this page, which is on this machine. */
export async function openLoopback(place: Place, first: Uint8Array, signal: AbortSignal): Promise<Carrier> {
  const socket = await open(`ws://${location.host}/session?route=${place.route}`, signal)
  socket.write(first)
  return { ...socket, kind: 'loopback' }
}

type Bytes = Omit<Carrier, 'kind'>

function open(address: string, signal: AbortSignal): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address)
    socket.binaryType = 'arraybuffer'
    const arrived: (Uint8Array | null)[] = []
    let reset: Reset | undefined
    let wake: (() => void) | undefined
    const abort = () => {
      socket.close()
    }
    signal.addEventListener('abort', abort)
    const bytes: Bytes = {
      read: async () => {
        for (;;) {
          const next = arrived.shift()
          if (next !== undefined) return next
          if (reset) throw reset
          await new Promise<void>((resolved) => (wake = resolved))
        }
      },
      write: (bytes) => {
        for (let at = 0; at < bytes.length; at += MOST) {
          socket.send(bytes.slice(at, at + MOST))
        }
      },
      close: () => {
        if (socket.readyState === WebSocket.OPEN) socket.send(new Uint8Array(0))
        // What is still to be sent is sent before the closing.
        socket.close(1000)
      },
      abort,
    }
    socket.onopen = () => {
      signal.removeEventListener('abort', abort)
      resolve(bytes)
    }
    socket.onmessage = (event) => {
      const message = new Uint8Array(event.data as ArrayBuffer)
      arrived.push(message.length === 0 ? null : message)
      wake?.()
    }
    socket.onclose = (event) => {
      const code = event.code - CLOSE_BASE
      reset = new Reset(code >= 0 && code < 1000 ? code : undefined)
      reject(reset)
      wake?.()
    }
  })
}
