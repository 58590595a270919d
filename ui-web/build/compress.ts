/** Leaves compressed copies beside each built file that becomes smaller by it; whoever serves it, serves those. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Fonts are compressed already. */
const TEXT = /\.(js|css|html|svg|wasm|json|webmanifest)$/

/** By the ending that `link/src/page.rs` looks for. */
const WAYS: [string, (whole: Buffer) => Buffer][] = [
  ['gz', (whole) => gzipSync(whole, { level: 9 })],
  [
    'br',
    (whole) => brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: whole.length } }),
  ],
]

export function compress(): Plugin {
  let folder = ''
  return {
    name: 'compress',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, name)
        if (!TEXT.test(name) || !statSync(path).isFile()) continue
        const whole = readFileSync(path)
        for (const [ending, shrink] of WAYS) {
          const small = shrink(whole)
          if (small.length < whole.length * 0.9) writeFileSync(`${path}.${ending}`, small)
        }
      }
    },
  }
}
