// WebTransport: QUIC, for browsers. The fastest way, where UDP gets through.

import { type Carrier, Messages, Reset, type Words } from './link'
import type { Place } from './place'

const PATH = '/deputy/link'

/** A stream to the agent through a relay. */
export async function openWebTransport(place: Place, words: Words, signal: AbortSignal): Promise<Carrier> {
  const options: WebTransportOptions = place.certificate
    ? { serverCertificateHashes: [{ algorithm: 'sha-256', value: new Uint8Array(place.certificate) }] }
    : {}
  const transport = new WebTransport(`https://${place.address}${PATH}`, options)
  // Rejects, too, when it is closed before it was ready; that is told below.
  transport.closed.catch(() => undefined)
  const abort = () => {
    transport.close()
  }
  signal.addEventListener('abort', abort)
  try {
    await transport.ready
    const control = await transport.createBidirectionalStream()
    const controlWriter = control.writable.getWriter()
    await controlWriter.write(words.hello)
    const controlReader = control.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>
    const welcome = new Messages(() => next(controlReader)).expect('welcome')
    // Awaited below; until then it has failed nobody.
    welcome.catch(() => undefined)

    const stream = await transport.createBidirectionalStream()
    const writer = stream.writable.getWriter()
    const reader = stream.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>
    await writer.write(words.dial)
    await welcome
    const messages = new Messages(() => next(reader))
    await messages.expect('connected')
    return {
      kind: 'webtransport',
      read: () => messages.read(),
      write: (bytes) => {
        // A broken stream is told where it is read.
        writer.write(bytes).catch(() => undefined)
      },
      close: () => {
        writer
          .close()
          .catch(() => undefined)
          .finally(() => setTimeout(abort, 1_000))
      },
      abort,
    }
  } catch (error) {
    transport.close()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | null> {
  try {
    const { value, done } = await reader.read()
    return done ? null : value
  } catch (error) {
    const code =
      typeof WebTransportError !== 'undefined' && error instanceof WebTransportError
        ? error.streamErrorCode
        : null
    throw new Reset(code ?? undefined)
  }
}
