/** What an item is about, without what its kind and its automation say already. */

import type { Need } from '../../deputy/types'
import { text } from '../../words/json'

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

export function headline(need: Need): string {
  const call = text(need.detail, 'call', 'title')
  if (call) return need.kind === 'in_doubt' ? `Did this happen? ${call}` : call
  // The message stands below by itself.
  const said = message(need)
  const end = said ? need.title.indexOf(`: ${said}`) : -1
  return end > 0 ? need.title.slice(0, end) : need.title
}
