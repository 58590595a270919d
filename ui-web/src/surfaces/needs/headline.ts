/** What an item is about, without what its kind and its automation say already. */

import type { Need } from '../../deputy/types'
import { text } from '../../words/json'
import { clock } from '../../words/time'

export function message(need: Need): string {
  const { detail } = need
  return (
    text(detail, 'rule', 'message') ||
    text(detail, 'refused', 'message') ||
    text(detail, 'failure', 'message') ||
    text(detail, 'message') ||
    text(detail, 'because')
  )
}

/** A time as the agent writes it into a sentence. */
const WRITTEN_TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g

export function headline(need: Need): string {
  const call = text(need.detail, 'call', 'title')
  if (call) return need.kind === 'in_doubt' ? `Did this happen? ${call}` : call
  // The message stands below by itself.
  const said = message(need)
  const end = said ? need.title.indexOf(`: ${said}`) : -1
  const title = end > 0 ? need.title.slice(0, end) : need.title
  return title.replace(WRITTEN_TIME, (time) => clock(Date.parse(time), Date.parse(need.created_at)))
}
