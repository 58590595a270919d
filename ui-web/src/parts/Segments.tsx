/** One of few, as a row of segments. */

import { ToggleButton } from 'react-aria-components/ToggleButton'
import { ToggleButtonGroup } from 'react-aria-components/ToggleButtonGroup'
import type { Choice } from './choice'

export function Segments<T extends string>({ label, items, value, onChange }: Choice<T>) {
  return (
    <ToggleButtonGroup
      className="segments"
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const chosen = items.find((item) => keys.has(item.id))
        if (chosen) onChange(chosen.id)
      }}
    >
      {items.map((item) => (
        <ToggleButton key={item.id} id={item.id} className="segment">
          {item.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  )
}
