/**
 * Action-needed items in plain words: a name for each kind, and for each choice a short button, what
 * happens next, and how it weighs. The agent's own label stands in for a choice that is not here.
 */

import type { Choice, NeedKind } from '../deputy/types'

export const KIND: Record<NeedKind, string> = {
  auth: 'Connection',
  permission: 'Permission',
  approval: 'Approval',
  in_doubt: 'In doubt',
  precondition: 'Something is missing',
  logic: 'Script failed',
  limit: 'Over a limit',
  unknown: 'Failed',
  poison: 'Cut off',
  contract_change: 'Contract change',
  question: 'Question',
  stalled: 'Late',
  restored: 'Restored',
}

export interface Option {
  id: string
  button: string
  /** What happens next. */
  next: string
  /** `main` is what most people want, `wide` allows more from now on, `no` ends or refuses. */
  weight: 'main' | 'plain' | 'wide' | 'no'
}

type Row = Omit<Option, 'id'>

const GO_ON = 'The run goes on from where it stopped. Nothing that was done is done again.'
const ENDS = 'This run ends. What it did before stays done.'

const NEXT: Partial<Record<NeedKind, Record<string, Row>>> = {
  approval: {
    approve: {
      button: 'Approve',
      next: 'It is done now, this once. You are asked again next time.',
      weight: 'main',
    },
    approve_always: {
      button: 'Always approve',
      next: 'It is done now, and the contract no longer asks before this.',
      weight: 'wide',
    },
    reject: { button: 'Reject', next: 'It is not done, and the run is told so.', weight: 'no' },
  },
  permission: {
    allow_once: { button: 'Allow once', next: 'This very call is made, and no other.', weight: 'main' },
    allow_always: {
      button: 'Always allow',
      next: 'It is done now, and the contract becomes wider by this.',
      weight: 'wide',
    },
    refuse: { button: 'Refuse', next: 'It is not done. The run ends as failed.', weight: 'no' },
    retry: { button: 'Try again', next: GO_ON, weight: 'main' },
    dismiss: { button: 'Leave it', next: 'Nothing happens. The run stays as it is.', weight: 'no' },
  },
  in_doubt: {
    happened: {
      button: 'It happened',
      next: 'The run goes on as if it had been confirmed. Nothing is done again.',
      weight: 'plain',
    },
    redo: {
      button: 'It did not: do it now',
      next: 'It is done now. If it did happen after all, it has happened twice.',
      weight: 'plain',
    },
    skip: { button: 'Skip it', next: 'The run goes on without it.', weight: 'plain' },
    stop: { button: 'Stop the run', next: ENDS, weight: 'no' },
  },
  auth: {
    retry: {
      button: 'It is authorised: go on',
      next: 'All runs that wait for this connection go on.',
      weight: 'plain',
    },
    stop: { button: 'Stop the run', next: ENDS, weight: 'no' },
  },
  precondition: {
    check_again: {
      button: 'It is there: check again',
      next: 'What waits for it goes on, and the automation becomes active again.',
      weight: 'plain',
    },
    stop: { button: 'Stop the run', next: ENDS, weight: 'no' },
  },
  logic: {
    retry: { button: 'Try again', next: GO_ON, weight: 'plain' },
    dismiss: {
      button: 'Leave it',
      next: 'The run stays failed. The automation goes on with what comes next.',
      weight: 'no',
    },
  },
  limit: {
    retry: {
      button: 'Try again',
      next: 'The run begins again, and the automation becomes active.',
      weight: 'plain',
    },
    dismiss: {
      button: 'Leave it paused',
      next: 'Nothing runs until you resume the automation.',
      weight: 'no',
    },
  },
  unknown: {
    retry: {
      button: 'Try again',
      next: 'The run begins again, and the automation becomes active.',
      weight: 'plain',
    },
    dismiss: {
      button: 'Leave it paused',
      next: 'Nothing runs until you resume the automation.',
      weight: 'no',
    },
  },
  poison: {
    retry: { button: 'Try again', next: GO_ON, weight: 'plain' },
    stop: { button: 'Stop the run', next: ENDS, weight: 'no' },
  },
  contract_change: {
    accept: {
      button: 'Accept the change',
      next: 'There is a new contract version, and the run goes on under it.',
      weight: 'wide',
    },
    decline: {
      button: 'Decline',
      next: 'The contract stays as it is, and the run stays stopped.',
      weight: 'no',
    },
  },
  stalled: {
    dismiss: {
      button: 'I have seen it',
      next: 'The item goes away. The automation runs as soon as it can.',
      weight: 'plain',
    },
  },
  restored: {
    resume_new: {
      button: 'Go on from now',
      next: 'All automations become active. What was waiting in the copy is left.',
      weight: 'plain',
    },
    resume: {
      button: 'Go on with what waited',
      next: 'All automations become active, and what was waiting in the copy is done.',
      weight: 'plain',
    },
    dismiss: {
      button: 'Leave them paused',
      next: 'Nothing runs until you resume an automation.',
      weight: 'no',
    },
  },
}

/** Kinds that wait for a decision; the others are about something that went wrong. */
const DECISIONS: ReadonlySet<NeedKind> = new Set<NeedKind>([
  'approval',
  'permission',
  'question',
  'contract_change',
  'in_doubt',
])

export function isDecision(kind: NeedKind): boolean {
  return DECISIONS.has(kind)
}

/** The id of the choice that takes free text. */
export const FREE = 'answer'

/** A choice with what happens next. */
export function option(kind: NeedKind, choice: Choice): Option {
  const row = NEXT[kind]?.[choice.id]
  if (row) return { id: choice.id, ...row }
  return {
    id: choice.id,
    button: choice.label,
    next: kind === 'question' ? '' : choice.label,
    weight: 'plain',
  }
}
