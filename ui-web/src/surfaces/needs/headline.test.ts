import { expect, test } from 'vitest'
import type { Json, Need, NeedKind } from '../../deputy/types'
import { headline } from './headline'

const need = (kind: NeedKind, title: string, detail: Json): Need => ({
  id: 'n1',
  kind,
  title,
  detail,
  automation: 'a1',
  run: null,
  state: 'open',
  choices: [],
  answer: null,
  answered_by: null,
  created_at: '2026-11-28T00:00:00Z',
})

test('an item about a call is headed by the call', () => {
  const call = { call: { title: 'Mail to ana@example.org: Hello' } }
  expect(headline(need('approval', '“X” asks for approval: Mail to …', call))).toBe(
    'Mail to ana@example.org: Hello',
  )
  expect(headline(need('in_doubt', 'Did this happen? …', call))).toMatch(/^Did this happen\?/)
})

test('a failure is headed without its message, which stands below', () => {
  const title = 'The script of “X” failed: no street'
  expect(headline(need('logic', title, { failure: { message: 'no street' } }))).toBe(
    'The script of “X” failed',
  )
  expect(headline(need('logic', title, {}))).toBe(title)
})
