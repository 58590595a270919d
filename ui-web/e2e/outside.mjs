// The world outside the agent, on loopback: a web server whose answers a check decides, and a mail
// server that keeps what it takes.

import { createServer } from 'node:http'
import { createServer as createTcp } from 'node:net'

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

/** Answers what was put at a path; anything else is not there. */
export class Web {
  answers = new Map()
  /** Each request's method and path. */
  asked = []

  async up() {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url, 'http://x')
      this.asked.push(`${request.method} ${pathname}`)
      const answer = this.answers.get(pathname)
      if (answer === undefined) response.writeHead(404).end()
      else answer(request, response)
    })
    this.port = await listen(server)
    this.host = `127.0.0.1:${this.port}`
    this.url = `http://${this.host}`
    return this
  }

  put(path, body, type = 'application/json') {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    this.answers.set(path, (_, response) => response.writeHead(200, { 'content-type': type }).end(text))
  }

  /** A request that is taken, and not answered until the returned function is called. */
  hold(path, body) {
    let release
    const released = new Promise((resolve) => (release = resolve))
    this.answers.set(path, async (_, response) => {
      await released
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    return release
  }

  /** A request that is taken, and whose connection then breaks. */
  cut(path) {
    this.answers.set(path, (request) => {
      request.resume()
      request.on('end', () => request.socket.destroy())
    })
  }
}

/** SMTP (RFC 5321) with AUTH PLAIN (RFC 4954): as much as a client needs to send. */
export class MailServer {
  /** What was taken, each with headers and text. */
  taken = []

  constructor(password) {
    this.password = password
  }

  async up() {
    this.port = await listen(createTcp((socket) => this.converse(socket)))
    return this
  }

  converse(socket) {
    let held = ''
    let data
    const say = (line) => socket.write(`${line}\r\n`)
    socket.on('error', () => undefined)
    say('220 mail.example ESMTP')
    socket.on('data', (bytes) => {
      held += bytes
      for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
        const line = held.slice(0, end)
        held = held.slice(end + 2)
        if (data !== undefined) {
          if (line !== '.') {
            data.push(line)
            continue
          }
          this.taken.push(data.join('\n'))
          data = undefined
          say('250 taken')
        } else if (/^EHLO/i.test(line)) {
          say('250-mail.example')
          say('250-8BITMIME')
          say('250 AUTH PLAIN')
        } else if (/^AUTH PLAIN /i.test(line)) {
          const [, , password] = Buffer.from(line.slice(11), 'base64').toString().split('\0')
          say(password === this.password ? '235 welcome' : '535 5.7.8 the password is not taken any more')
        } else if (/^DATA/i.test(line)) {
          data = []
          say('354 go on')
        } else if (/^QUIT/i.test(line)) {
          say('221 bye')
          socket.end()
        } else say('250 ok')
      }
    })
  }
}
