/** Reading JSON whose shape is not ours: the details of items, chat lines and events. */

import type { Json } from '../deputy/types'

/** What is at a path; null when nothing is. */
export function at(value: Json | undefined, ...path: string[]): Json {
  let here: Json | undefined = value
  for (const key of path) {
    here = here && typeof here === 'object' && !Array.isArray(here) ? here[key] : undefined
  }
  return here ?? null
}

/** Text at a path; empty when there is none. */
export function text(value: Json | undefined, ...path: string[]): string {
  const here = at(value, ...path)
  return typeof here === 'string' ? here : ''
}

/** A value in a line, for people: text without quotes, lists with commas. */
export function inline(value: Json): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.join(', ')
  return JSON.stringify(value)
}
