/**
 * A client of the agent's local socket: frames of a 4-byte little-endian length and JSON.
 * For development only; the product goes through the WebAssembly core.
 */

import { connect } from 'node:net'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

export const SOCKET = join(process.env.DEPUTY_HOME ?? '/tmp/ui-home', 'agent.sock')

/** Sends one request and gives each answer to `heard`; returns how to stop. */
function talk(request, id, heard, ended) {
  const socket = connect(SOCKET)
  let held = Buffer.alloc(0)
  socket.on('connect', () => {
    const body = Buffer.from(JSON.stringify({ version: 1, id, request }))
    const head = Buffer.alloc(4)
    head.writeUInt32LE(body.length)
    socket.write(Buffer.concat([head, body]))
  })
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes])
    while (held.length >= 4 && held.length >= 4 + held.readUInt32LE(0)) {
      const length = held.readUInt32LE(0)
      heard(JSON.parse(held.subarray(4, 4 + length).toString()))
      held = held.subarray(4 + length)
    }
  })
  socket.on('error', ended)
  socket.on('close', () => ended(new Error('the agent hung up')))
  return () => socket.destroy()
}

/** One request, one answer; rejects with the agent's error. */
export function ask(request, id = randomUUID()) {
  return new Promise((resolve, reject) => {
    const stop = talk(
      request,
      id,
      (reply) => {
        stop()
        if (reply.ok) resolve(reply.ok.value)
        else reject(Object.assign(new Error(reply.error.message), reply.error))
      },
      reject,
    )
  })
}

/** Every event after a sequence number; returns how to stop. */
export function follow(after, heard, ended) {
  const request = { method: 'follow', params: { after, run: null } }
  return talk(request, randomUUID(), (reply) => reply.ok && heard(reply.ok.value), ended)
}
