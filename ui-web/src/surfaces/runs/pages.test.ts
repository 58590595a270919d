import { expect, test } from 'vitest'
import type { Run } from '../../deputy/types'
import { joined } from './pages'

const runs = (...ids: number[]) => ids.map((id) => ({ id: `r${id}` }) as Run)
const ids = (all: Run[]) => all.map((run) => run.id).join(' ')

test('older runs follow the newest, each once', () => {
  expect(ids(joined(runs(11, 10, 9), runs(10, 9, 8, 7)))).toBe('r11 r10 r9 r8 r7')
  expect(ids(joined(runs(3, 2), []))).toBe('r3 r2')
})

test('an older list that the newest do not meet any more is left out', () => {
  expect(ids(joined(runs(30, 29), runs(9, 8)))).toBe('r30 r29')
})
