/**
 * Says the hash of what was built, by which a page that somebody else serves is compared with it: as
 * `deputy-relay --page` says it in its log (relay/src/page.rs).
 */

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** SHA-256 in base64url over each file in the order of their paths: path, zero, length, content. */
export function pageHash(folder: string): string {
  const hash = createHash('sha256')
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
  for (const path of paths.sort()) {
    const content = readFileSync(folder + path)
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(content.length))
    hash.update(path).update('\0').update(length).update(content)
  }
  return hash.digest('base64url')
}

export function saysHash(): Plugin {
  let folder = ''
  return {
    name: 'page-hash',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      folder = join(config.root, config.build.outDir)
    },
    closeBundle: {
      // Behind whatever else writes files.
      order: 'post',
      handler() {
        console.log(`page sha256 ${pageHash(folder)}`)
      },
    },
  }
}
