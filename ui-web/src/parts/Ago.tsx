/** A point in time as people say it, with the exact one behind it. */

import type { Time } from '../deputy/types'
import { ago, clock } from '../words/time'
import { useNow } from './now'

export function Ago({ at, className }: { at: Time | number; className?: string }) {
  const now = useNow()
  const ms = typeof at === 'number' ? at : Date.parse(at)
  // What has just happened may be ahead of the shared clock by its pace.
  const seen = Math.max(now, Math.min(ms, now + 10_000))
  return (
    <time dateTime={new Date(ms).toISOString()} title={clock(ms, now)} className={className}>
      {ago(ms, seen)}
    </time>
  )
}

/** A point in time as a date, e.g. `Mon 30 Nov, 09:00`. */
export function On({ at }: { at: Time }) {
  const now = useNow()
  const ms = Date.parse(at)
  return <time dateTime={at}>{clock(ms, now)}</time>
}
