// Agents that are not the one this page was made for: of another version, of another person, or gone;
// and links that are good no more. Each says what to do.

import { createServer, connect } from 'node:net'
import { createHash } from 'node:crypto'
import { Agent, DESKTOP, PHONE, connected, seen, shot, until } from '../world.mjs'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Stands before an agent and passes everything on, but for sessions while `speaks` is set: those it
 * answers itself, in the words of docs/wire/session.md, as an agent that speaks these versions alone.
 */
class Door {
  speaks
  met = 0

  async up(agent) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (first) => {
        const head = first.toString('latin1')
        if (this.speaks !== undefined && head.startsWith('GET /session')) this.answer(socket, head)
        else this.passOn(socket, first, new URL(agent.address).port)
      })
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.address = `http://127.0.0.1:${server.address().port}`
    return this
  }

  passOn(socket, first, port) {
    const inner = connect(port, '127.0.0.1')
    inner.on('error', () => socket.destroy())
    inner.write(first)
    socket.pipe(inner).pipe(socket)
  }

  answer(socket, head) {
    const key = /sec-websocket-key: (\S+)/i.exec(head)[1]
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.once('data', () => {
      this.met++
      const said = Buffer.from([1, this.speaks.length, ...this.speaks])
      // A binary frame, then one that closes (RFC 6455, 5.2 and 5.5.1).
      socket.write(
        Buffer.concat([Buffer.from([0x82, said.length]), said, Buffer.from([0x88, 2, 0x03, 0xe8])]),
      )
      socket.end()
    })
  }
}

export default async function versions(stage) {
  const agent = await new Agent('versions').up()
  const other = await new Agent('other').up()
  const door = await new Door().up(agent)
  /** How an agent is called that has another address for the same thing. */
  const behind = { address: door.address }
  const page = await stage.page(DESKTOP)

  const newcomer = async (fragment, at = agent.address) => {
    const fresh = await stage.page(PHONE)
    await fresh.goto(`${at}/#${fragment}`)
    return fresh
  }
  const linkOf = async (whose, ...args) => (await whose.cli('pair', ...args)).link.split('#')[1]

  return {
    async 'an agent that speaks a newer version only: the page says to reload it'() {
      await agent.pair(page, behind)
      for (const [speaks, name] of [
        [[2, 3], 'newer'],
        [[0], 'older'],
      ]) {
        door.speaks = speaks
        const met = door.met
        await page.goto(`${door.address}/automations`)
        await page.getByRole('heading', { name: 'This page and your agent differ in version' }).waitFor()
        if (door.met === met) throw new Error('it did not meet that agent')
        await seen(page, /Your automations go on as they are/)
        await seen(page, /Reload this page/)
        await seen(page, /update the agent/)
        await shot(page, `desktop-version-${name}`)
        // Understood again, it goes on by the button that it offers.
        door.speaks = undefined
        await page.getByRole('button', { name: 'Reload' }).click()
        await connected(page).waitFor()
      }
    },

    async 'pairing with an agent of another version says which to update'() {
      const fragment = await linkOf(agent)
      door.speaks = [2]
      const fresh = await newcomer(fragment, door.address)
      await fresh
        .getByRole('alert')
        .filter({ hasText: /version/ })
        .waitFor()
      await seen(fresh, /update/)
      await shot(fresh, 'phone-pairing-version')
      door.speaks = undefined
    },

    async 'a link that has expired says so, and where a new one is had'() {
      const fragment = await linkOf(agent, '--ttl', '1s')
      const made = Date.now()
      await until('the link to expire', () => Date.now() > made + 1_100)
      const fresh = await newcomer(fragment)
      await fresh
        .getByRole('alert')
        .filter({ hasText: /expired/ })
        .waitFor()
      await seen(fresh, 'deputy pair')
      await shot(fresh, 'phone-pairing-expired')
      await fresh.getByRole('button', { name: 'Begin again' }).click()
      await fresh.getByLabel('Link').fill('https://localhost/#' + (await linkOf(agent)))
      await fresh.getByRole('button', { name: 'Pair', exact: true }).click()
      await fresh.locator('.phrase').waitFor()
    },

    async 'a link of another agent on this machine leads to that agent’s page, not to nothing'() {
      const fresh = await newcomer(await linkOf(other))
      const alert = fresh.getByRole('alert')
      await alert.filter({ hasText: new URL(other.address).port }).waitFor()
      await shot(fresh, 'phone-pairing-other-agent')
    },

    async 'a browser that is paired already says so when it is given another link'() {
      const fragment = await linkOf(other)
      await page.goto(`${door.address}/?again#${fragment}`)
      await seen(page, /already paired/)
      await shot(page, 'desktop-paired-already')
      await connected(page).waitFor()
    },

    async 'where another agent answers at the address, the page says that it is not its own'() {
      const paired = await stage.page(DESKTOP)
      await agent.pair(paired)
      await agent.kill()
      const usurper = new Agent('usurper')
      usurper.address = agent.address
      await usurper.up()
      await paired.goto(`${agent.address}/automations`)
      await seen(paired, /Your agent cannot be reached|another agent/i)
      await shot(paired, 'desktop-other-agent')
    },
  }
}
