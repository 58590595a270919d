/**
 * Text from automations, mails, feeds and models, made harmless to read: what would turn the words
 * around it, or stand there unseen, becomes a sign that can be seen. Letters of every script and what
 * joins them stay as they are.
 */

/* eslint-disable no-control-regex -- They are what is looked for. */

/**
 * Controls of terminals (C0, C1), embeddings, overrides and isolates of direction (Unicode UAX #9),
 * invisible operators and tags, and halves of surrogate pairs. Line breaks and tabs are text.
 */
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** A text whose every sign can be seen. */
export function plain(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNSEEN, (sign) => {
    const code = sign.codePointAt(0) ?? 0
    // Unicode has pictures of the C0 controls.
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : '\ufffd'
  })
}

/** How JSON writes what is not plain; what only looks like it does no harm. */
const WRITTEN = /\\u|\\[bfr]/

/** A value from its JSON, every text and name in it plain. */
export function readPlainly(json: string): unknown {
  const value: unknown = JSON.parse(json)
  // Almost all of it is plain, and may be long: then it is not made anew.
  return WRITTEN.test(json) || json.search(UNSEEN) >= 0 ? made(value) : value
}

/** The same for every text in a value, and every name. */
export function plainly<T>(value: T): T {
  return made(value) as T
}

function made(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(made)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [plain(name), made(one)]))
}
