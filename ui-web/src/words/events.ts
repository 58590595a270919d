/** A run's events in words. */

import type { Event, Json } from '../deputy/types'
import { at, text } from './json'
import { KIND } from './needs'
import { RUN, WAITING } from './states'

const WORDS: Partial<Record<string, (data: Json) => string>> = {
  run_started: (data) => `Attempt ${JSON.stringify(at(data, 'attempt'))} begins`,
  run_resumed: (data) =>
    text(data, 'because') === 'interrupted'
      ? 'Goes on after Deputy was interrupted'
      : 'Begins anew; no effect is repeated',
  run_waiting: (data) => wordOf(WAITING, text(data, 'waiting_for'), 'Waits'),
  run_ended: (data) => wordOf(RUN, text(data, 'state'), 'Ended'),
  need_opened: (data) => `Needs you: ${kindOf(text(data, 'kind'))}`,
  need_answered: (data) => {
    const by = text(data, 'by')
    return `Answered: ${text(data, 'answer').replaceAll('_', ' ')}${by ? `, ${by === 'cli' ? 'at the agent' : `by ${by}`}` : ''}`
  },
  log: (data) => text(data, 'message'),
  contract_changed: () => 'The contract was changed',
  automation_paused: () => 'The automation was paused',
  automation_resumed: () => 'The automation became active again',
  repair_wanted: () => 'A repair is wanted',
  repair_held: () => 'A repair has to wait',
  repair_begun: () => 'A repair begins',
  repair_deployed: () => 'The script was repaired',
  repair_failed: () => 'The repair did not succeed',
  repair_cancelled: () => 'The repair was called off',
  repair_needs_contract: () => 'A repair would need a wider contract',
  script_rolled_back: () => 'The repair was taken back',
}

function wordOf(table: Partial<Record<string, { word: string }>>, key: string, other: string): string {
  return table[key]?.word ?? other
}

function kindOf(kind: string): string {
  return (KIND as Partial<Record<string, string>>)[kind] ?? kind
}

export function eventWords(event: Event): string {
  return WORDS[event.kind]?.(event.data) ?? event.kind.replaceAll('_', ' ')
}
