/** Rights in words. */

import type { Right } from '../../deputy/types'

export const RIGHT: Record<Right, string> = {
  view: 'See all there is, but no secret',
  control: 'Run, pause, resume and archive; cancel a run; skip an input',
  approve: 'Delegate, accept proposals, answer what needs a person, process an input again',
}

const SHORT: Record<Right, string> = { view: 'look', control: 'control', approve: 'decide' }

/** E.g. `May look and control`. */
export function rightsWords(rights: Right[]): string {
  if (rights.length === 0) return 'May do nothing'
  const words = rights.map((right) => SHORT[right])
  return `May ${new Intl.ListFormat('en').format(words)}`
}
