/**
 * The things a client sees, as the agent says them (`protocol/src/model.rs` and `states.rs`).
 * Ids are strings, times RFC 3339 UTC, durations `_ms`, money `_micros` (micro-USD).
 */

export type Time = string
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export type AutomationState = 'draft' | 'active' | 'paused' | 'archived'
export type RunState = 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled'
export type WaitingFor =
  'timer' | 'retry' | 'approval' | 'permission' | 'auth' | 'in_doubt' | 'precondition' | 'person'
export type EffectClass = 'pure' | 'read' | 'idempotent' | 'reconcilable' | 'opaque'
export type FailureClass =
  | 'transient'
  | 'auth'
  | 'permission'
  | 'approval'
  | 'precondition'
  | 'logic'
  | 'limit'
  | 'in_doubt'
  | 'unknown'
export type StepState = 'intent' | 'done' | 'failed' | 'waiting' | 'in_doubt' | 'skipped'
export type InputState = 'pending' | 'claimed' | 'done' | 'failed' | 'skipped'
export type NeedKind =
  | 'auth'
  | 'permission'
  | 'approval'
  | 'in_doubt'
  | 'precondition'
  | 'logic'
  | 'limit'
  | 'unknown'
  | 'poison'
  | 'contract_change'
  | 'question'
  | 'stalled'
  | 'restored'
export type SourceKind = 'cron' | 'every' | 'at' | 'event' | 'webhook' | 'file' | 'mail' | 'manual' | 'emit'
export type Right = 'view' | 'control' | 'approve'

export interface Status {
  version: string
  pid: number
  home: string
  started_at: Time
  listen: string | null
  automations: Record<AutomationState, number>
  inputs_pending: number
  runs_active: number
  runs_waiting: number
  needs_open: number
  next_due_at: Time | null
  model: boolean
}

export interface Automation {
  id: string
  name: string
  purpose: string
  state: AutomationState
  paused_because: string | null
  contract_version: number
  script_version: number
  timezone: string
  next_due_at: Time | null
  last_run: string | null
  last_run_state: RunState | null
  last_run_at: Time | null
  needs_open: number
  cost_micros: number
  created_at: Time
}

export interface AutomationDetail extends Automation {
  contract: Json
  plain_words: Clause[]
  script: string
  webhooks: Webhook[]
  runs: Run[]
}

export interface Webhook {
  name: string
  url: string | null
  token: string
}

export interface Clause {
  kind: string
  text: string
  /** True when the agent enforces it; false when it is only understood. */
  enforced: boolean
  /** True when it allows everything of a kind. */
  wide: boolean
}

export interface Proposal {
  /** For a question the task's id, which `proposal_decline` takes. */
  id: string
  automation: string
  name: string
  state: 'proposed' | 'accepted' | 'declined' | 'question'
  contract: Json
  plain_words: Clause[]
  preview: Preview
  doubts: Doubt[]
  diff: ContractDiff | null
  question: Question | null
}

export interface Doubt {
  id: string
  message: string
}

export interface Question {
  question: string
  choices: string[]
  item: string | null
}

export interface Preview {
  state: 'ok' | 'failed' | 'none'
  effects: PreviewEffect[]
  reads: string[]
  result: Json
  error: string | null
  error_code: string | null
}

export interface PreviewEffect {
  tool: string
  title: string
  args: Json
}

export type Verdict = 'wider' | 'narrower' | 'same' | 'both'

export interface ContractDiff {
  verdict: Verdict
  changes: ContractChange[]
}

export interface ContractChange {
  path: string
  text: string
  effect: Verdict
}

export interface ContractVersion {
  /** The automation. */
  id: string
  version: number
  created_at: Time
  contract: Json
  plain_words: Clause[]
}

export interface Run {
  id: string
  automation: string
  state: RunState
  waiting_for: WaitingFor | null
  waiting_until: Time | null
  failure_class: FailureClass | null
  failure: string | null
  script_version: number
  contract_version: number
  input: string
  attempt: number
  due_at: Time
  started_at: Time | null
  ended_at: Time | null
  duration_ms: number
  steps: number
  cost_micros: number
  result: Json
}

export interface RunDetail extends Run {
  events: Event[]
  journal: Step[]
  needs: Need[]
}

export interface Step {
  seq: number
  tool: string
  effect_class: EffectClass
  effect_key: string | null
  state: StepState
  started_at: Time
  duration_ms: number | null
  attempt: number
  args: Json
  outcome: Json
  reused: boolean
}

export interface Event {
  seq: number
  at: Time
  kind: string
  automation: string | null
  run: string | null
  data: Json
}

export interface Input {
  id: string
  automation: string
  source: SourceKind
  topic: string | null
  title: string
  state: InputState
  due_at: Time
  payload: Json
  run: string | null
  caused_by: string | null
  reason: string | null
}

export interface InputDetail extends Input {
  runs: Run[]
  outputs: Output[]
  emitted: Input[]
}

export interface Output {
  id: string
  automation: string
  run: string
  tool: string
  effect_key: string
  state: StepState
  title: string
  caused_by: string
  at: Time
}

export interface Need {
  id: string
  kind: NeedKind
  title: string
  automation: string | null
  run: string | null
  state: 'open' | 'answered' | 'withdrawn'
  choices: Choice[]
  detail: Json
  answer: string | null
  answered_by: string | null
  created_at: Time
}

export interface Choice {
  id: string
  label: string
}

export interface ConnectionInfo {
  id: string
  kind: string
  name: string
  state: 'ok' | 'unchecked' | 'failing' | 'auth' | 'revoked'
  config: Json
  message: string | null
  checked_at: Time | null
}

export interface ChatEvent {
  seq: number
  at: Time
  automation: string | null
  kind: string
  author: 'user' | 'deputy'
  data: Json
}

export interface CostLine {
  id: string
  calls: number
  cost_micros: number
}

export interface Device {
  id: string
  name: string
  rights: Right[]
  created_at: Time
  revoked_at: Time | null
  is_here: boolean
  /** How it is reached by notifications; absent when it wants none. */
  push?: PushState
}

export interface Quiet {
  from: string
  to: string
  timezone: string
}

export interface PushState {
  provider: string
  service: string
  since: Time
  quiet?: Quiet
  reached_at: Time | null
  not_reached_since: Time | null
  trouble: string | null
  is_gone: boolean
}
