// What a browser says to a relay before a stream is its own: hello, welcome, dial, connected.
// The specification is docs/wire/link.md.

/** A stream of bytes to an agent, whatever carries it. */
export interface Carrier {
  /** What carries it, for people who look. */
  readonly kind: 'webtransport' | 'websocket' | 'loopback'
  /** The next bytes; null when the other side has ended. Rejects with a {@link Reset}. */
  read(): Promise<Uint8Array | null>
  write(bytes: Uint8Array): void
  /** Ends this side once everything is sent. */
  close(): void
  /** Lets go at once. */
  abort(): void
}

/** A stream that was reset; the code is one of the link's, or absent. */
export class Reset extends Error {
  constructor(readonly code: number | undefined) {
    super('the connection broke')
  }
}

/** The relay is there and says no. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

interface Message {
  type: string
  code?: string
  message?: string
  hint?: string
}

const VERSION = 1
const LONGEST = 65_535

/** A message with its two bytes of length. */
function frame(message: object): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message))
  const framed = new Uint8Array(2 + body.length)
  new DataView(framed.buffer).setUint16(0, body.length)
  framed.set(body, 2)
  return framed
}

/** The first words of a client. */
function hello(software: string): Uint8Array {
  return frame({ type: 'hello', versions: [VERSION], role: 'client', features: [], software })
}

/** What a browser says on a new link, none of it kept until something comes back. */
export interface Words {
  hello: Uint8Array
  /** Asks for the agent behind a route, and what that is told first. */
  dial: Uint8Array
}

export function opening(software: string, route: string, first: Uint8Array): Words {
  const dial = frame({ type: 'dial', route })
  const both = new Uint8Array(dial.length + first.length)
  both.set(dial)
  both.set(first, dial.length)
  return { hello: hello(software), dial: both }
}

/** Reads messages from the front of a stream, and then what comes after them. */
export class Messages {
  private arrived = new Uint8Array(0)

  constructor(private readonly next: () => Promise<Uint8Array | null>) {}

  /** Waits for a message of a kind. Rejects with {@link Refused}, or when another comes. */
  async expect(type: string): Promise<void> {
    const message = await this.message()
    if (message.type === 'refused') {
      const words = [message.message, message.hint].filter(Boolean).join(' ')
      throw new Refused(message.code ?? '', words)
    }
    if (message.type !== type) throw new Error(`the relay said “${message.type}” instead of “${type}”`)
  }

  /** What came after the last message, first; then the rest of the stream. */
  async read(): Promise<Uint8Array | null> {
    if (this.arrived.length === 0) return this.next()
    const arrived = this.arrived
    this.arrived = new Uint8Array(0)
    return arrived
  }

  private async message(): Promise<Message> {
    await this.atLeast(2)
    const length = new DataView(this.arrived.buffer, this.arrived.byteOffset).getUint16(0)
    if (length > LONGEST) throw new Error('the relay’s words are too long')
    await this.atLeast(2 + length)
    const body = this.arrived.subarray(2, 2 + length)
    const message = JSON.parse(new TextDecoder().decode(body)) as Message
    this.arrived = this.arrived.slice(2 + length)
    return message
  }

  private async atLeast(length: number): Promise<void> {
    while (this.arrived.length < length) {
      const more = await this.next()
      if (more === null) throw new Error('the relay hung up')
      const longer = new Uint8Array(this.arrived.length + more.length)
      longer.set(this.arrived)
      longer.set(more, this.arrived.length)
      this.arrived = longer
    }
  }
}
