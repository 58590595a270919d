/** Times and durations for people. */

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' })
const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60_000, 'second'],
  [3_600_000, 'minute'],
  [86_400_000, 'hour'],
  [7 * 86_400_000, 'day'],
  [30 * 86_400_000, 'week'],
  [365 * 86_400_000, 'month'],
  [Infinity, 'year'],
]
const SIZES: Record<string, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
}

/** E.g. `5 minutes ago`, `in 2 days`, `just now`. */
export function ago(at: number, now: number): string {
  const away = at - now
  if (Math.abs(away) < 10_000) return away > 1000 ? 'in a moment' : 'just now'
  const [, unit] = STEPS.find(([below]) => Math.abs(away) < below) ?? [0, 'year']
  return RELATIVE.format(Math.round(away / (SIZES[unit] ?? 1)), unit)
}

/** E.g. `Mon 30 Nov, 09:00`; the year only when it is another one. */
export function clock(at: number, now: number): string {
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    ...(isThisYear ? {} : { year: 'numeric' }),
  }).format(at)
}

/** E.g. `09:00:12`. */
export function second(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(
    at,
  )
}

/** `Today`, `Yesterday`, or the date. */
export function day(at: number, now: number): string {
  const start = (time: number) => new Date(time).setHours(0, 0, 0, 0)
  const days = Math.round((start(now) - start(at)) / 86_400_000)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' }).format(at)
}

/** E.g. `12 ms`, `1.4 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < 1) return 'under 1 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`
}
