/**
 * The development server's side of the dev adapter: passes asks from the page to a real agent's
 * socket, its events back, and serves `dev/main.tsx` in the place of the product's entry.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { ask, follow } from './socket.mjs'

type Fields = Record<string, unknown>

/** The control request for each ask whose name or fields differ (`Ask::into_request`). */
const REQUESTS: Record<string, (fields: Fields) => { method: string; params?: Fields }> = {
  status: () => ({ method: 'status' }),
  connections: () => ({ method: 'connections' }),
  devices: () => ({ method: 'devices' }),
  need: (f) => ({ method: 'need_show', params: f }),
  chat: (f) => ({ method: 'chat', params: { automation: null, after: 0, ...f } }),
  needs: (f) => ({ method: 'needs', params: { all: false, ...f } }),
  automations: (f) => ({ method: 'automations', params: { archived: false, ...f } }),
  automation: (f) => ({ method: 'automation_show', params: f }),
  contract: (f) => ({ method: 'contract_show', params: { version: null, ...f } }),
  proposal: (f) => ({ method: 'proposal_show', params: f }),
  runs: (f) => ({ method: 'runs', params: { automation: null, state: null, ...f } }),
  run: (f) => ({ method: 'run_show', params: f }),
  inputs: (f) => ({ method: 'inputs', params: { automation: null, state: null, ...f } }),
  input: (f) => ({ method: 'input_show', params: f }),
  outputs: (f) => ({ method: 'outputs', params: { automation: null, ...f } }),
  costs: (f) => ({ method: 'costs', params: { since_ms: null, ...f } }),
  automation_run: (f) => ({ method: 'automation_run', params: { input: null, wait: false, ...f } }),
  say: (f) => ({
    method: 'delegate',
    params: { automation: null, timezone: null, accept: false, ...f },
  }),
  proposal_accept: (f) => ({ method: 'proposal_accept', params: { confirm: [], ...f } }),
  need_answer: (f) => ({ method: 'need_answer', params: { note: null, ...f } }),
  input_again: (f) => ({ method: 'input_again', params: { effects_again: false, ...f } }),
}

async function body(request: IncomingMessage): Promise<{ id?: string; ask: Fields & { ask: string } }> {
  let text = ''
  for await (const part of request) text += String(part)
  return JSON.parse(text) as { id?: string; ask: Fields & { ask: string } }
}

async function answer(request: IncomingMessage, response: ServerResponse) {
  response.setHeader('content-type', 'application/json')
  try {
    const {
      id,
      ask: { ask: name, ...fields },
    } = await body(request)
    const made = REQUESTS[name]?.(fields) ?? { method: name, params: fields }
    response.end(JSON.stringify({ ok: await ask(made, id) }))
  } catch (error) {
    const { code = 'unreachable', message, hint = '' } = error as Error & { code?: string; hint?: string }
    response.end(JSON.stringify({ error: { code, message, hint } }))
  }
}

function events(response: ServerResponse) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const began = Date.now()
  const stop = follow(
    0,
    (event) => {
      if (Date.parse(event.at) >= began) response.write(`data: ${JSON.stringify(event)}\n\n`)
    },
    () => response.end(),
  )
  response.on('close', stop)
}

export function devAgent(): Plugin {
  return {
    name: 'deputy-dev-agent',
    apply: 'serve',
    configureServer(server) {
      server.middlewares.use('/__agent/ask', (request, response) => void answer(request, response))
      server.middlewares.use('/__agent/events', (_, response) => {
        events(response)
      })
    },
    transformIndexHtml: (html) => html.replace('/src/main.ts', '/dev/main.tsx'),
  }
}
