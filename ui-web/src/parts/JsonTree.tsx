/** JSON as a tree whose branches unfold. Every leaf is text, whatever it says. */

import { useState } from 'react'
import { ChevronRight } from 'lucide-react'
import { Button } from 'react-aria-components/Button'
import type { Json } from '../deputy/types'

/** How many children a branch shows before it asks. */
const PAGE = 100
const LONG = 400

export function JsonTree({ value, label }: { value: Json; label: string }) {
  return (
    <div className="json" role="group" aria-label={label}>
      <Node value={value} depth={0} />
    </div>
  )
}

function Node({ name, value, depth }: { name?: string; value: Json; depth: number }) {
  if (value !== null && typeof value === 'object') {
    return <Branch name={name} value={value} depth={depth} />
  }
  return (
    <div className="json-leaf">
      {name !== undefined && <span className="json-name">{name}</span>}
      <Leaf value={value} />
    </div>
  )
}

function Branch({
  name,
  value,
  depth,
}: {
  name?: string
  value: Json[] | Record<string, Json>
  depth: number
}) {
  const entries = Object.entries(value)
  const [isOpen, setOpen] = useState(depth < 2 && entries.length < 30)
  const [shown, setShown] = useState(PAGE)
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`
  if (entries.length === 0) {
    return (
      <div className="json-leaf">
        {name !== undefined && <span className="json-name">{name}</span>}
        <span className="faint">{Array.isArray(value) ? 'empty list' : 'empty'}</span>
      </div>
    )
  }
  return (
    <div className="json-branch">
      {name !== undefined && (
        <Button className="json-toggle" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
          <ChevronRight size={13} aria-hidden className={isOpen ? 'is-open' : undefined} />
          <span className="json-name">{name}</span>
          <span className="faint">{size}</span>
        </Button>
      )}
      {(isOpen || name === undefined) && (
        <div className={name === undefined ? undefined : 'json-children'}>
          {entries.slice(0, shown).map(([key, child]) => (
            <Node key={key} name={key} value={child} depth={depth + 1} />
          ))}
          {entries.length > shown && (
            <Button className="json-toggle" onPress={() => setShown(shown + PAGE)}>
              Show more of {entries.length}
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

function Leaf({ value }: { value: string | number | boolean | null }) {
  const [isWhole, setWhole] = useState(false)
  if (typeof value !== 'string') return <span className="json-word">{String(value)}</span>
  if (value.length <= LONG || isWhole) return <span className="json-text">{value}</span>
  return (
    <span className="json-text">
      {value.slice(0, LONG)}…{' '}
      <Button className="json-toggle" onPress={() => setWhole(true)}>
        all {value.length.toLocaleString('en')} characters
      </Button>
    </span>
  )
}
