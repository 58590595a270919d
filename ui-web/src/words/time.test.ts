import { describe, expect, test } from 'vitest'
import { ago, duration } from './time'
import { money } from './money'

describe('times for people', () => {
  test('a time is as far away as it matters', () => {
    const now = Date.UTC(2026, 10, 28)
    expect(ago(now - 3000, now)).toBe('just now')
    expect(ago(now - 5 * 60_000, now)).toBe('5 minutes ago')
    expect(ago(now + 2 * 86_400_000, now)).toBe('in 2 days')
  })
  test('a duration has at most two units', () => {
    expect(duration(0.2)).toBe('under 1 ms')
    expect(duration(12.4)).toBe('12 ms')
    expect(duration(1400)).toBe('1.4 s')
    expect(duration(185_000)).toBe('3 min 5 s')
    expect(duration(7_800_000)).toBe('2 h 10 min')
  })
})

test('money has the digits that say something', () => {
  expect(money(0)).toBe('$0')
  expect(money(3)).toBe('under $0.0001')
  expect(money(4200)).toBe('$0.0042')
  expect(money(12_345_678)).toBe('$12.35')
})
