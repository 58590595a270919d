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

/** A value in a line, for people: text without quotes, lists and flat objects with commas. */
export function inline(value: Json): string {
  if (typeof value === 'string') return value
  if (value === null || typeof value !== 'object') return String(value)
  const words = Object.entries(value).map(([key, one]) => {
    const word = typeof one === 'string' ? one : JSON.stringify(one)
    return Array.isArray(value) ? word : `${key}: ${word}`
  })
  return words.join(', ')
}

/** With a capital at its beginning; an operation's name keeps its spelling. */
export function capital(words: string): string {
  if (/^[a-z]+\.[a-z]/.test(words)) return words
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** With a capital and a full stop; what ends in a sign of its own keeps it. */
export function sentence(words: string): string {
  return /[\w)”]$/.test(words) ? `${capital(words)}.` : capital(words)
}
