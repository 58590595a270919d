/** A state in a word with an icon: never by colour alone. */

import {
  AlertTriangle,
  Archive,
  Ban,
  CheckCircle2,
  CircleDashed,
  CirclePause,
  Clock3,
  HelpCircle,
  Loader,
  Hourglass,
  XCircle,
} from 'lucide-react'
import type { AutomationState, InputState, Run, StepState } from '../deputy/types'
import { AUTOMATION, INPUT, runSaid, STEP, type Said, type Tone } from '../words/states'

type Icon = typeof Clock3

const RUN_ICON: Record<Run['state'], Icon> = {
  queued: Clock3,
  running: Loader,
  waiting: Hourglass,
  succeeded: CheckCircle2,
  failed: XCircle,
  cancelled: Ban,
}
const AUTOMATION_ICON: Record<AutomationState, Icon> = {
  draft: CircleDashed,
  active: CheckCircle2,
  paused: CirclePause,
  archived: Archive,
}
const STEP_ICON: Record<StepState, Icon> = {
  intent: Loader,
  done: CheckCircle2,
  failed: XCircle,
  waiting: Hourglass,
  in_doubt: HelpCircle,
  skipped: Ban,
}
const INPUT_ICON: Record<InputState, Icon> = {
  pending: Clock3,
  claimed: Loader,
  done: CheckCircle2,
  failed: XCircle,
  skipped: Ban,
}

export function Mark({ said, icon: Icon, isBare = false }: { said: Said; icon: Icon; isBare?: boolean }) {
  return (
    <span className={`mark tone-${said.tone}${isBare ? ' mark-bare' : ''}`}>
      <Icon size={14} aria-hidden className={Icon === Loader ? 'spin' : undefined} />
      {said.word}
    </span>
  )
}

export function RunMark({ run, isBare }: { run: Pick<Run, 'state' | 'waiting_for'>; isBare?: boolean }) {
  return <Mark said={runSaid(run)} icon={RUN_ICON[run.state]} isBare={isBare} />
}

export function AutomationMark({ state }: { state: AutomationState }) {
  return <Mark said={AUTOMATION[state]} icon={AUTOMATION_ICON[state]} />
}

export function StepMark({ state, isBare }: { state: StepState; isBare?: boolean }) {
  return <Mark said={STEP[state]} icon={STEP_ICON[state]} isBare={isBare} />
}

export function InputMark({ state, isBare }: { state: InputState; isBare?: boolean }) {
  return <Mark said={INPUT[state]} icon={INPUT_ICON[state]} isBare={isBare} />
}

/** A small label, e.g. a kind. */
export function Tag({ tone = 'calm', children }: { tone?: Tone; children: string }) {
  return (
    <span className={`tag tone-${tone}`}>
      {tone === 'warn' && <AlertTriangle size={12} aria-hidden />}
      {children}
    </span>
  )
}
