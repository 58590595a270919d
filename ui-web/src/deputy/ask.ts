/**
 * What a page can ask (`protocol/src/remote/ask.rs`) and the answer to each. What is not here
 * cannot be asked from afar.
 */

import type {
  Automation,
  AutomationDetail,
  ChatEvent,
  ConnectionInfo,
  ContractDiff,
  ContractVersion,
  CostLine,
  Device,
  Input,
  InputDetail,
  InputState,
  Need,
  Output,
  Proposal,
  Quiet,
  Right,
  Run,
  RunDetail,
  RunState,
  Status,
} from './types'

/** A browser's subscription, as the agent wants it. */
export interface PushTarget {
  provider: 'web'
  endpoint: string
  p256dh: string
  auth: string
}

export type CostsBy = 'automation' | 'run' | 'tool' | 'connection' | 'model'

/** Each question with its fields and its answer. */
interface Questions {
  status: [object, Status]
  needs: [{ all?: boolean }, Need[]]
  need: [{ item: string }, Need]
  chat: [{ automation?: string; after?: number; limit: number }, ChatEvent[]]
  automations: [{ archived?: boolean }, Automation[]]
  automation: [{ automation: string }, AutomationDetail]
  contract: [{ automation: string; version?: number }, ContractVersion]
  contract_diff: [{ automation: string; from: number; to: number }, ContractDiff]
  proposal: [{ proposal: string }, Proposal]
  /** Newest first; older than the run `before`, when there is one. */
  runs: [{ automation?: string; state?: RunState; before?: string; limit: number }, Run[]]
  run: [{ run: string }, RunDetail]
  inputs: [{ automation?: string; state?: InputState; limit: number }, Input[]]
  input: [{ input: string }, InputDetail]
  outputs: [{ automation?: string; limit: number }, Output[]]
  costs: [{ by: CostsBy; since_ms?: number }, CostLine[]]
  connections: [object, ConnectionInfo[]]
  devices: [object, Device[]]
  push_key: [object, string]
  push_subscribe: [{ target: PushTarget; quiet?: Quiet }, Device]
  push_unsubscribe: [object, Device]
  push_test: [object, Device]
}

/** Each command with its fields and its answer. */
interface Commands {
  automation_pause: [{ automation: string }, Automation]
  automation_resume: [{ automation: string }, Automation]
  automation_archive: [{ automation: string }, Automation]
  automation_run: [{ automation: string }, Run]
  run_cancel: [{ run: string }, Run]
  input_skip: [{ input: string }, InputDetail]
  say: [{ text: string; automation?: string; timezone?: string }, Proposal]
  proposal_accept: [{ proposal: string; confirm?: string[] }, Proposal]
  proposal_decline: [{ proposal: string }, Proposal]
  need_answer: [{ item: string; choice: string; note?: string }, Need]
  input_again: [{ input: string; effects_again?: boolean }, InputDetail]
}

type Tagged<T extends Record<keyof T, [object, unknown]>> = {
  [K in keyof T]: { ask: K } & T[K][0]
}[keyof T]

export type QuestionAsk = Tagged<Questions>
export type CommandAsk = Tagged<Commands>
export type Ask = QuestionAsk | CommandAsk

/** The `value` of the agent's `Response` for an ask. */
export type AnswerOf<K extends Ask> = (Questions & Commands)[K['ask']][1]

const CONTROL: ReadonlySet<Ask['ask']> = new Set<Ask['ask']>([
  'automation_pause',
  'automation_resume',
  'automation_archive',
  'automation_run',
  'run_cancel',
  'input_skip',
])
const APPROVE: ReadonlySet<Ask['ask']> = new Set<Ask['ask']>([
  'say',
  'proposal_accept',
  'proposal_decline',
  'need_answer',
  'input_again',
])

/** The right that a device must have to ask this. */
export function rightFor(ask: Ask['ask']): Right {
  if (CONTROL.has(ask)) return 'control'
  return APPROVE.has(ask) ? 'approve' : 'view'
}
