// What a first visit costs: the bytes that are built, as they would come compressed. How long things
// take is measured by `npm run bench`, and not here.

import { readFileSync, readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { Agent, PHONE, connected } from '../world.mjs'

const DIST = new URL('../../dist/', import.meta.url).pathname
const KIB = 1024

/** The most that scripts and styles of a first load may have, compressed, and the most of the core. */
const MOST = { page: 250 * KIB, core: 350 * KIB }

/** Sizes of what was asked for, compressed; fonts are as they are. */
export function weigh(urls) {
  const sizes = { page: 0, core: 0, fonts: 0 }
  for (const url of new Set(urls)) {
    const { pathname } = new URL(url)
    const file = pathname === '/' || !pathname.includes('.') ? 'index.html' : pathname.slice(1)
    const bytes = readFileSync(DIST + file)
    if (file.endsWith('.wasm')) sizes.core += gzipSync(bytes).length
    else if (file.endsWith('.woff2')) sizes.fonts += bytes.length
    else sizes.page += gzipSync(bytes).length
  }
  return sizes
}

export default async function weight(stage) {
  const agent = await new Agent('weight').up()

  return {
    async 'a first visit stays within its weight, and so does all of it together'() {
      const page = await stage.page({ ...PHONE, serviceWorkers: 'block' })
      const asked = []
      page.on('response', (response) => asked.push(response.url()))
      await agent.pair(page)
      await connected(page).waitFor()
      const sizes = weigh(asked.filter((url) => url.startsWith(agent.address)))
      console.log(`  first load: ${JSON.stringify(sizes)}`)
      if (sizes.core === 0 || sizes.page === 0) throw new Error('it loaded nothing')
      if (sizes.page > MOST.page) throw new Error(`scripts and styles: ${sizes.page} bytes`)
      if (sizes.core > MOST.core) throw new Error(`the core: ${sizes.core} bytes`)
      const all = weigh(
        readdirSync(`${DIST}assets`)
          .filter((name) => !/\.(gz|br)$/.test(name))
          .map((name) => `http://x/assets/${name}`),
      )
      if (all.page > 2 * MOST.page) throw new Error(`every script and style together: ${all.page} bytes`)
    },
  }
}
