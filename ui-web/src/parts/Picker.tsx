/** One of many, as a list that opens. */

import { Check, ChevronDown } from 'lucide-react'
import { Button } from 'react-aria-components/Button'
import { Label } from 'react-aria-components/Label'
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox'
import { Popover } from 'react-aria-components/Popover'
import { Select, SelectValue } from 'react-aria-components/Select'
import type { Choice } from './choice'

export function Picker<T extends string>({ label, items, value, onChange }: Choice<T>) {
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
