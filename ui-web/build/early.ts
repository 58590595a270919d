/**
 * Has the browser ask for the core and for the page behind the entry as soon as it reads the
 * document, and not when scripts come to them.
 */

import type { Plugin } from 'vite'

/** The chunk behind the entry. */
export const PAGE = 'page'

export function early(): Plugin {
  return {
    name: 'early',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle }) {
        const files = Object.values(bundle ?? {})
        const core = files.find(({ fileName }) => fileName.endsWith('.wasm'))
        const page = files.find((file) => file.type === 'chunk' && file.name === PAGE)
        if (!core || !page) throw new Error('the build has no core, or no page behind its entry')
        // As `fetch` asks for it: another mode would have it loaded twice.
        const asked = { rel: 'preload', as: 'fetch', type: 'application/wasm', crossorigin: true }
        return [
          { tag: 'link', attrs: { ...asked, href: `/${core.fileName}` }, injectTo: 'head' },
          {
            tag: 'link',
            attrs: { rel: 'modulepreload', crossorigin: true, href: `/${page.fileName}` },
            injectTo: 'head',
          },
        ]
      },
    },
  }
}
