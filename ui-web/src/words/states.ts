/** Each state in a word or two, with the tone in which it is shown. Tables, not branches. */

import type {
  AutomationState,
  ConnectionInfo,
  EffectClass,
  FailureClass,
  InputState,
  Run,
  RunState,
  SourceKind,
  StepState,
  WaitingFor,
} from '../deputy/types'

export type Tone = 'calm' | 'good' | 'warn' | 'bad' | 'accent'

export interface Said {
  word: string
  tone: Tone
}

export const AUTOMATION: Record<AutomationState, Said> = {
  draft: { word: 'Proposed', tone: 'accent' },
  active: { word: 'Active', tone: 'good' },
  paused: { word: 'Paused', tone: 'warn' },
  archived: { word: 'Archived', tone: 'calm' },
}

export const RUN: Record<RunState, Said> = {
  queued: { word: 'Queued', tone: 'calm' },
  running: { word: 'Running', tone: 'accent' },
  waiting: { word: 'Waiting', tone: 'warn' },
  succeeded: { word: 'Succeeded', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  cancelled: { word: 'Cancelled', tone: 'calm' },
}

export const WAITING: Record<WaitingFor, Said> = {
  timer: { word: 'Sleeping', tone: 'calm' },
  retry: { word: 'Will try again', tone: 'calm' },
  approval: { word: 'Waits for approval', tone: 'warn' },
  permission: { word: 'Waits for permission', tone: 'warn' },
  auth: { word: 'Waits for a connection', tone: 'warn' },
  in_doubt: { word: 'Waits: in doubt', tone: 'warn' },
  precondition: { word: 'Waits: something is missing', tone: 'warn' },
  person: { word: 'Waits for you', tone: 'warn' },
}

/** What is shown of a run: what it waits for rather than that it waits. */
export function runSaid(run: Pick<Run, 'state' | 'waiting_for'>): Said {
  return run.state === 'waiting' && run.waiting_for ? WAITING[run.waiting_for] : RUN[run.state]
}

export const STEP: Record<StepState, Said> = {
  intent: { word: 'Under way', tone: 'accent' },
  done: { word: 'Done', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  waiting: { word: 'Waiting', tone: 'warn' },
  in_doubt: { word: 'In doubt', tone: 'warn' },
  skipped: { word: 'Skipped', tone: 'calm' },
}

export const INPUT: Record<InputState, Said> = {
  pending: { word: 'Pending', tone: 'calm' },
  claimed: { word: 'At work', tone: 'accent' },
  done: { word: 'Done', tone: 'good' },
  failed: { word: 'Failed', tone: 'bad' },
  skipped: { word: 'Skipped', tone: 'calm' },
}

export const CONNECTION: Record<ConnectionInfo['state'], Said> = {
  ok: { word: 'Works', tone: 'good' },
  unchecked: { word: 'Not checked yet', tone: 'calm' },
  failing: { word: 'Failing', tone: 'bad' },
  auth: { word: 'Must be authorised again', tone: 'warn' },
  revoked: { word: 'Revoked', tone: 'calm' },
}

export const EFFECT: Record<EffectClass, { word: string; means: string }> = {
  pure: { word: 'computes', means: 'Only computes; touches nothing.' },
  read: { word: 'reads', means: 'Only looks; changes nothing outside.' },
  idempotent: { word: 'effect', means: 'Changes something; repeating it changes nothing more.' },
  reconcilable: { word: 'effect', means: 'Changes something; it is looked up before it is ever repeated.' },
  opaque: { word: 'effect', means: 'Changes something; it is never repeated by itself.' },
}

export const SOURCE: Record<SourceKind, string> = {
  cron: 'On schedule',
  every: 'On schedule',
  at: 'At its time',
  event: 'By an event',
  webhook: 'By a webhook',
  file: 'A file changed',
  mail: 'A mail came',
  manual: 'Started by hand',
  emit: 'Emitted by a run',
}

/** What is said of a transient failure once no attempt is left. */
export const SPENT = 'Something outside did not answer, however often Deputy tried.'

/** Why a run failed, in a sentence before its message. */
export const FAILURE: Record<FailureClass, string> = {
  transient: 'Something outside did not answer. It passes by itself, so Deputy tries again.',
  auth: 'A connection must be authorised again.',
  permission: 'It wanted to do something that it may not. Nothing of it was done.',
  approval: 'Your contract asks you before this.',
  precondition: 'Something that it relies on is missing.',
  logic: 'The script made a mistake.',
  limit: 'It went over a limit and was stopped.',
  in_doubt: 'An effect may or may not have happened.',
  unknown: 'It failed, and Deputy cannot tell why.',
}
