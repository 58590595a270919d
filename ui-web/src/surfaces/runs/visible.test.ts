import { expect, test } from 'vitest'
import { rowsInSight } from './visible'

test('only the rows in sight and a few beyond are there', () => {
  expect(rowsInSight(0, 800, 50, 10_000)).toEqual({ from: 0, to: 28 })
  expect(rowsInSight(250_000, 800, 50, 10_000)).toEqual({ from: 4988, to: 5028 })
})

test('never more rows than there are', () => {
  expect(rowsInSight(0, 800, 50, 3)).toEqual({ from: 0, to: 3 })
  expect(rowsInSight(-5_000, 800, 50, 3)).toEqual({ from: 0, to: 0 })
})
