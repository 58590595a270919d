/** Either the screens of pairing, or the page: whichever the opening has come to. */

import { lazy, Suspense, useSyncExternalStore } from 'react'
import { App } from './App'
import type { Deputy } from './deputy/deputy'
import { FirstRun, type FirstRunState } from './surfaces/pairing/FirstRun'

/** How a browser comes to its agent; the core implements it. */
export interface Opening {
  /** The same object until it changes. */
  state: () => FirstRunState | { state: 'paired'; deputy: Deputy; offered?: string }
  subscribe: (listener: () => void) => () => void
  pair: (link: string, name: string) => void
  again: () => void
  cancel: () => void
  /** The link that was offered to a browser that is paired already is not used. */
  keep: () => void
}

const PairedAlready = lazy(() => import('./surfaces/pairing/PairedAlready'))

export function Root({ opening }: { opening: Opening }) {
  const state = useSyncExternalStore(opening.subscribe, opening.state)
  if (state.state === 'paired') {
    const { offered } = state
    return (
      <>
        <App deputy={state.deputy} />
        {offered !== undefined && (
          <Suspense>
            <PairedAlready onUse={() => opening.pair(offered, '')} onKeep={opening.keep} />
          </Suspense>
        )}
      </>
    )
  }
  return <FirstRun state={state} onPair={opening.pair} onAgain={opening.again} onCancel={opening.cancel} />
}
