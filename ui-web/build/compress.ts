/** Leaves a compressed copy beside each built file that becomes smaller by it; the agent serves that. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

/** Fonts are compressed already. */
const TEXT = /\.(js|css|html|svg|wasm|json|webmanifest)$/

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
        const small = gzipSync(whole, { level: 9 })
        if (small.length < whole.length * 0.9) writeFileSync(`${path}.gz`, small)
      }
    },
  }
}
