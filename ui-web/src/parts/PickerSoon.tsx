/** A `Picker` on a surface that is shown before the list that opens has come. */

import { lazy, Suspense, useEffect, useState } from 'react'
import { ChevronDown } from 'lucide-react'
import { useLine } from '../deputy/hooks'
import type { Choice } from './choice'

const Whole = lazy(() => import('./Picker').then(({ Picker }) => ({ default: Picker<string> })))

/** Set once the list has been asked for: from then on it is never waited for again. */
let isAskedFor = false

/** How long a browser that cannot tell when it has nothing to do is left alone, ms. */
const A_WHILE = 300

export function Picker(choice: Choice<string>) {
  const isDue = useDue()
  return isDue ? (
    <Suspense fallback={<Closed {...choice} />}>
      <Whole {...choice} />
    </Suspense>
  ) : (
    <Closed {...choice} />
  )
}

/**
 * Whether the list should come. It is a third of all scripts of a start, so not before it is known how it
 * stands with the agent: until then the network and the processor have better things to do.
 */
function useDue(): boolean {
  const { state } = useLine()
  const [isDue, setDue] = useState(isAskedFor)
  const isStarting = state === 'connecting' || state === 'resting'
  useEffect(() => {
    if (isDue || isStarting) return
    const ask = () => {
      isAskedFor = true
      setDue(true)
    }
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(ask, A_WHILE)
      return () => clearTimeout(timer)
    }
    const idle = requestIdleCallback(ask, { timeout: 5 * A_WHILE })
    return () => cancelIdleCallback(idle)
  }, [isDue, isStarting])
  return isDue
}

/** As it looks while it is closed. */
function Closed({ items, value }: Choice<string>) {
  return (
    <div className="picker">
      <button className="picker-button" disabled>
        <span className="clip">{items.find((item) => item.id === value)?.label}</span>
        <ChevronDown size={16} aria-hidden />
      </button>
    </div>
  )
}
