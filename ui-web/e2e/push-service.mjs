// A push service on this machine, of both kinds that the checks need: browsers that have one of their
// own (Firefox) hold a socket to it, as to Mozilla's (autopush), and get what agents post.

import { createServer } from 'node:http'
import { randomUUID } from 'node:crypto'
import { WebSocketServer } from 'ws'

export class PushService {
  /** What was posted, in order: `{id, headers, body}`. */
  posted = []
  #channels = new Map()
  #waiting = new Map()

  async up() {
    this.server = createServer((request, response) => this.#post(request, response))
    const sockets = new WebSocketServer({ server: this.server })
    sockets.on('connection', (socket) => this.#browser(socket))
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.port = this.server.address().port
    return this
  }

  /** As the agent's setting `push_hosts` names it. */
  get host() {
    return `127.0.0.1:${this.port}`
  }

  end() {
    this.server.close()
    this.server.closeAllConnections()
  }

  #browser(socket) {
    const say = (message) => socket.send(JSON.stringify(message))
    socket.on('message', (data) => {
      const message = JSON.parse(data)
      switch (message.messageType) {
        case 'hello':
          return say({
            messageType: 'hello',
            status: 200,
            uaid: randomUUID().replaceAll('-', ''),
            use_webpush: true,
          })
        case 'register': {
          const id = randomUUID()
          this.#channels.set(id, (notification) =>
            say({ messageType: 'notification', channelID: message.channelID, ...notification }),
          )
          const pushEndpoint = `http://${this.host}/push/${id}`
          return say({ messageType: 'register', channelID: message.channelID, status: 200, pushEndpoint })
        }
        case 'unregister':
          return say({ messageType: 'unregister', channelID: message.channelID, status: 200 })
        case 'ack':
          for (const { version, code } of message.updates) this.#waiting.get(version)?.(code ?? 100)
          return undefined
      }
    })
  }

  /** A message is taken when the browser has it. */
  async #post(request, response) {
    const parts = []
    for await (const part of request) parts.push(part)
    const id = request.url.split('/').pop()
    const send = this.#channels.get(id)
    if (request.method !== 'POST' || !send) return response.writeHead(404).end()
    const body = Buffer.concat(parts)
    this.posted.push({ id, headers: request.headers, body })
    const version = randomUUID()
    const acknowledged = new Promise((resolve) => this.#waiting.set(version, resolve))
    send({ version, data: body.toString('base64url'), headers: { encoding: 'aes128gcm' } })
    // 100: the browser has read it and told the page's worker (autopush's codes).
    const code = await acknowledged
    return response.writeHead(code === 100 ? 201 : 400).end()
  }
}
