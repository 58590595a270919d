// Loads the WebAssembly. Everything else of the core needs it.

import init from '../../../core/core'
import wasm from '../../../core/core_bg.wasm?url'

/** Resolves when the core can be used. */
export async function loadCore(): Promise<void> {
  await init({ module_or_path: wasm })
}
