/**
 * Action-needed items that an agent without a model cannot come to: the planner's question, the
 * maintainer's wish for a wider contract, and the rare ones. Shown with `?samples`.
 */

import type { Ask } from '../src/deputy/deputy'
import type { CostsBy } from '../src/deputy/ask'
import type { CostLine, Device, Need } from '../src/deputy/types'

const isOn = new URLSearchParams(location.search).has('samples')
const answered = new Set<string>()
const at = new Date(Date.now() - 25 * 60_000).toISOString()
const common = { run: null, state: 'open' as const, answer: null, answered_by: null, created_at: at }

const SAMPLES: Need[] = [
  {
    ...common,
    id: 'n9001',
    kind: 'question',
    automation: 'a3',
    title: 'Two people called Ana are in your address book. Which one gets the invoices?',
    choices: [
      { id: '1', label: 'Ana Kovač <ana@example.org>' },
      { id: '2', label: 'Ana Lindt <ana.lindt@example.org>' },
      { id: 'answer', label: 'Answer in the note' },
    ],
    detail: { task: 't4', question: 'Which Ana?', choices: [] },
  },
  {
    ...common,
    id: 'n9002',
    kind: 'contract_change',
    automation: 'a3',
    run: 'r3',
    title: 'To go on, “Invoices to Ana” would have to be allowed more: the portal moved to files.example.org',
    choices: [
      { id: 'accept', label: 'Accept the change' },
      { id: 'decline', label: 'Decline it' },
    ],
    detail: {
      task: 9,
      from_version: 1,
      reason: 'The portal moved to files.example.org',
      diff: {
        verdict: 'both',
        changes: [
          {
            path: 'capabilities.web.fetch.hosts',
            text: 'May also read pages at files.example.org.',
            effect: 'wider',
          },
          { path: 'invariants', text: 'At most 10 mails a day instead of 20.', effect: 'narrower' },
        ],
      },
      contract: {},
    },
  },
  {
    ...common,
    id: 'n9003',
    kind: 'poison',
    automation: 'a4',
    run: 'r2',
    title: 'Run r2 was cut off 3 times at the same step',
    choices: [
      { id: 'retry', label: 'Try it again' },
      { id: 'stop', label: 'Stop this run' },
    ],
    detail: { crashes: 3, message: 'Deputy stopped each time while this run was at the same step.' },
  },
  {
    ...common,
    id: 'n9004',
    kind: 'stalled',
    automation: 'a1',
    title:
      '“Reminder: stand up” was due at 2026-11-27T08:00:00Z and has not begun: the agent is busy with other automations',
    choices: [{ id: 'dismiss', label: 'I have seen it' }],
    detail: {
      input: 'i4',
      due_at: '2026-11-27T08:00:00Z',
      because: 'the agent is busy with other automations',
    },
  },
  {
    ...common,
    id: 'n9005',
    kind: 'auth',
    automation: 'a3',
    run: 'r3',
    title: 'The connection “mail” must be authorised again',
    choices: [
      { id: 'retry', label: 'It is authorised again: go on' },
      { id: 'stop', label: 'Stop this run' },
    ],
    detail: { failure: { connection: 'mail', message: 'the server no longer takes this password' } },
  },
]

const COSTS: Record<CostsBy, CostLine[]> = {
  automation: [
    { id: 'a3', calls: 212, cost_micros: 1_842_000 },
    { id: 'a2', calls: 96, cost_micros: 610_400 },
    { id: 'a8', calls: 18, cost_micros: 74_300 },
    { id: 'a4', calls: 3, cost_micros: 2_100 },
  ],
  run: [
    { id: 'r3', calls: 9, cost_micros: 51_000 },
    { id: 'r5', calls: 4, cost_micros: 23_400 },
  ],
  tool: [
    { id: 'llm.extract', calls: 180, cost_micros: 1_600_000 },
    { id: 'llm.summarize', calls: 64, cost_micros: 420_000 },
  ],
  connection: [],
  model: [{ id: 'small-model', calls: 310, cost_micros: 2_528_800 }],
}

const DEVICES: Device[] = [
  {
    id: 'd1',
    name: 'Browser on the desk',
    rights: ['view', 'control', 'approve'],
    created_at: at,
    revoked_at: null,
    is_here: true,
  },
  { id: 'd2', name: 'Phone', rights: ['view', 'approve'], created_at: at, revoked_at: null, is_here: false },
  { id: 'd3', name: 'Old tablet', rights: ['view'], created_at: at, revoked_at: at, is_here: false },
]

/** Whether a command is about a sample; it counts as applied then. */
export function isSample(ask: Ask): boolean {
  if (ask.ask !== 'need_answer' || !SAMPLES.some((one) => one.id === ask.item)) return false
  answered.add(ask.item)
  return true
}

/** An answer with the samples among it. */
export function withSamples(ask: Ask, answer: unknown): unknown {
  if (!isOn) return answer
  const open = SAMPLES.filter((one) => !answered.has(one.id))
  if (ask.ask === 'needs') return [...open, ...(answer as Need[])]
  if (ask.ask === 'costs') return COSTS[ask.by]
  if (ask.ask === 'devices') return DEVICES
  if (ask.ask === 'status') {
    const status = answer as { needs_open: number }
    return { ...status, needs_open: status.needs_open + open.length }
  }
  return answer
}
