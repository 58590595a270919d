/** A box to tick, with its words. */

import type { ReactNode } from 'react'
import { Check as Tick } from 'lucide-react'
import { CheckboxButton, CheckboxField } from 'react-aria-components/Checkbox'

interface Props {
  isSelected: boolean
  isDisabled?: boolean
  onChange: (isSelected: boolean) => void
  children: ReactNode
}

export function Check({ isSelected, isDisabled = false, onChange, children }: Props) {
  return (
    <CheckboxField isSelected={isSelected} isDisabled={isDisabled} onChange={onChange}>
      <CheckboxButton className="check">
        <span className="check-box">
          <Tick size={13} aria-hidden />
        </span>
        <span className="wrap">{children}</span>
      </CheckboxButton>
    </CheckboxField>
  )
}
