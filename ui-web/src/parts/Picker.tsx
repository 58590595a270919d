/** One of few, as a row of segments; one of many, as a list that opens. */

import { Check, ChevronDown } from 'lucide-react'
import { Button } from 'react-aria-components/Button'
import { Label } from 'react-aria-components/Label'
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox'
import { Popover } from 'react-aria-components/Popover'
import { Select, SelectValue } from 'react-aria-components/Select'
import { ToggleButton } from 'react-aria-components/ToggleButton'
import { ToggleButtonGroup } from 'react-aria-components/ToggleButtonGroup'

export interface Item<T extends string> {
  id: T
  label: string
}

interface Props<T extends string> {
  label: string
  items: readonly Item<T>[]
  value: T
  onChange: (value: T) => void
}

export function Segments<T extends string>({ label, items, value, onChange }: Props<T>) {
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

export function Picker<T extends string>({ label, items, value, onChange }: Props<T>) {
  return (
    <Select
      className="picker"
      value={value}
      onChange={(key) => {
        const chosen = items.find((item) => item.id === key)
        if (chosen) onChange(chosen.id)
      }}
    >
      <Label className="hidden">{label}</Label>
      <Button className="picker-button">
        <SelectValue className="clip" />
        <ChevronDown size={16} aria-hidden />
      </Button>
      <Popover className="popover">
        <ListBox className="list-box" items={items}>
          {items.map((item) => (
            <ListBoxItem key={item.id} id={item.id} textValue={item.label} className="list-item">
              {({ isSelected }) => (
                <>
                  <span className="clip">{item.label}</span>
                  {isSelected && <Check size={16} aria-hidden />}
                </>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  )
}
