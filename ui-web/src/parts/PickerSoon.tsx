/** A `Picker` on a surface that is shown before the list that opens has come. */

import { lazy, Suspense } from 'react'
import { ChevronDown } from 'lucide-react'
import type { Choice } from './choice'

const Whole = lazy(() => import('./Picker').then(({ Picker }) => ({ default: Picker<string> })))

export function Picker(choice: Choice<string>) {
  return (
    <Suspense fallback={<Closed {...choice} />}>
      <Whole {...choice} />
    </Suspense>
  )
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
