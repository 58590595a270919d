/** Money for people: micro-USD as dollars, with as many digits as say something. */

export function money(micros: number): string {
  if (micros === 0) return '$0'
  const dollars = micros / 1e6
  if (Math.abs(dollars) < 0.0001) return 'under $0.0001'
  const digits = Math.abs(dollars) < 0.1 ? 4 : 2
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(dollars)
}

/** E.g. `1 step`, `3 steps`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`
}
