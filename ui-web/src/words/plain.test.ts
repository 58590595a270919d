import { expect, test } from 'vitest'
import { plain, plainly, readPlainly } from './plain'

test('what would be unseen, or turn the words around it, is seen', () => {
  expect(plain('\u001b[31mred\u0007')).toBe('␛[31mred␇')
  expect(plain('invoice\u202efdp.exe')).toBe('invoice\ufffdfdp.exe')
  expect(plain('\u2066a\u2069 \u{e0041}\u009b\u2028')).toBe('\ufffda\ufffd \ufffd\ufffd\ufffd')
  expect(plain('half \ud83d')).toBe('half \ufffd')
})

test('every script and what joins its letters stays', () => {
  for (const text of [
    'a\tb\nc',
    'שלום',
    'سلام می\u200cخواهم',
    '👩\u200d🚀',
    'e\u0301',
    '日本語',
    '\u200fא\u200e',
  ]) {
    expect(plain(text)).toBe(text)
  }
  expect(plain('a\r\nb')).toBe('a\nb')
})

test('all texts and names in a value', () => {
  expect(plainly({ 'a\u202e': ['\u0000', 1, null, { b: true }] })).toEqual({
    'a\ufffd': ['␀', 1, null, { b: true }],
  })
})

test('read from JSON, whether a sign is written out or escaped', () => {
  for (const json of ['{"a":"x\u202ey"}', '{"a":"x\\u202ey"}']) {
    expect(readPlainly(json)).toEqual({ a: 'x\ufffdy' })
  }
  expect(readPlainly('["\\b", "\\\\b", "\\r\\n"]')).toEqual(['␈', '\\b', '\n'])
})
