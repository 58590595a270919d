/** How it stands with the agent: a quiet word while all is well, a calm strip when it is not. */

import { CloudOff, Loader, Send, Wifi } from 'lucide-react'
import type { Line } from '../deputy/deputy'
import { useCommands, useLine, useView } from '../deputy/hooks'
import { Ago } from '../parts/Ago'
import { useNow } from '../parts/now'
import { sentence } from '../words/json'
import { ago } from '../words/time'

const WHY: Record<NonNullable<Line['because']>, string> = {
  no_relay: 'The relay cannot be reached.',
  offline: 'Your agent is not there right now.',
  broken: 'The connection broke.',
}

/** On the agent's own machine there is no relay that could be missing; the core says what is. */
function whyAway({ because, message }: Line): string {
  if (because === 'no_relay' && message !== undefined && /^(nothing|the agent|another)/.test(message)) {
    return sentence(message)
  }
  return because ? WHY[because] : 'Your agent is away.'
}

const WORD: Record<Line['state'], string> = {
  resting: 'Resting',
  connecting: 'Connecting',
  open: 'Connected',
  away: 'Agent away',
  not_known: 'Not paired',
  other_version: 'Another version',
}

function useUnsent(): number {
  return useCommands().filter((command) => command.state === 'waiting').length
}

function Unsent({ count }: { count: number }) {
  if (count === 0) return null
  return (
    <span className="unsent">
      <Send size={13} aria-hidden />
      {count} not sent yet
    </span>
  )
}

export function LineMark() {
  const line = useLine()
  const unsent = useUnsent()
  const Icon = line.state === 'open' ? Wifi : line.state === 'connecting' ? Loader : CloudOff
  return (
    <div className={`line-mark line-${line.state}`} role="status">
      <Icon size={14} aria-hidden className={line.state === 'connecting' ? 'spin' : undefined} />
      {WORD[line.state]}
      <Unsent count={unsent} />
    </div>
  )
}

/** Over the page while the agent is away or something is not sent: what one sees is what was known. */
export function LineStrip() {
  const line = useLine()
  const unsent = useUnsent()
  const now = useNow()
  const known = useView({ ask: 'status' }).asOfMs
  if (line.state === 'open' && unsent === 0) return null
  if (line.state === 'resting') return null
  if (line.state === 'connecting' && known === null) return null
  return (
    <div className={`line-strip line-${line.state}`} role="status">
      {line.state === 'connecting' ? (
        <Loader size={15} aria-hidden className="spin" />
      ) : (
        <CloudOff size={15} aria-hidden />
      )}
      <p>
        {line.state === 'away' && <strong className="wrap">{whyAway(line)} </strong>}
        {line.state === 'connecting' && <strong>Connecting. </strong>}
        {line.state !== 'open' && known !== null && (
          <>
            You see what was known <Ago at={known} />.{' '}
          </>
        )}
        {line.state === 'away' && line.until !== undefined && line.until > now && (
          <>Next try {ago(line.until, now)}.</>
        )}
      </p>
      <Unsent count={unsent} />
    </div>
  )
}
