/**
 * Writes the service worker of a build: `src/worker/worker.js` with the names of the build's own
 * files, and a version that follows from their content.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const SOURCE = new URL('../src/worker/worker.js', import.meta.url)

export function serviceWorker(): Plugin {
  return {
    name: 'service-worker',
    apply: 'build',
    generateBundle: {
      // Behind what leaves out files again, and writes the page itself.
      order: 'post',
      handler(_, bundle) {
        const hash = createHash('sha256')
        const files = Object.keys(bundle).sort()
        for (const name of files) {
          const file = bundle[name]
          if (!file) continue
          hash.update(name).update(file.type === 'chunk' ? file.code : file.source)
        }
        const paths = [
          '/',
          '/icon.svg',
          ...files.filter((name) => name !== 'index.html').map((name) => `/${name}`),
        ]
        const source = readFileSync(SOURCE, 'utf8')
          .replace('__VERSION__', hash.digest('hex').slice(0, 16))
          .replace('__FILES__', JSON.stringify(paths))
        this.emitFile({ type: 'asset', fileName: 'worker.js', source })
      },
    },
  }
}
