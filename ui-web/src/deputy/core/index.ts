// The core in the page: `web-deputy.ts` is a paired browser's agent, `web-pairing.ts` how it becomes
// one; `driver.ts` moves both, over the carriers of `place.ts`; `store.ts` is what outlives the page.

import init from '../../../core/core';
import wasm from '../../../core/core_bg.wasm?url';

export { openStore, Store } from './store';
export { WebDeputy } from './web-deputy';
export { PairingUnderWay, type PairingState } from './web-pairing';

/** Loads the WebAssembly. Everything else here needs it. */
export async function loadCore(): Promise<void> {
  await init({ module_or_path: wasm });
}
