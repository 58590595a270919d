/** Runs, newest first: filtered, and however many there are, only those in sight are drawn. */

import { useEffect, useRef, useState } from 'react'
import { History } from 'lucide-react'
import { useView } from '../../deputy/hooks'
import { useNames } from '../../deputy/names'
import type { Run, RunState } from '../../deputy/types'
import type { Item } from '../../parts/choice'
import { Picker } from '../../parts/Picker'
import { Blank, Shown } from '../../parts/Shown'
import { RUN } from '../../words/states'
import { RunRow } from './RunRow'
import { useRuns } from './pages'
import { useVisible } from './visible'

const ROW_REM = 3.5

type StateFilter = RunState | 'all'

const STATES: Item<StateFilter>[] = [
  { id: 'all', label: 'Any state' },
  ...(Object.keys(RUN) as RunState[]).map((state) => ({ id: state, label: RUN[state].word })),
]

/** Of one automation, or with a filter for it. */
export function RunList({ automation }: { automation?: string }) {
  const [state, setState] = useState<StateFilter>('all')
  const [chosen, setChosen] = useState('all')
  const automations = useView({ ask: 'automations', archived: true }).answer ?? []
  const whose = automation ?? (chosen === 'all' ? undefined : chosen)
  const { view, more } = useRuns({
    ...(whose ? { automation: whose } : {}),
    ...(state === 'all' ? {} : { state }),
  })
  return (
    <>
      <div className="filters">
        {automation === undefined && (
          <Picker
            label="Automation"
            value={chosen}
            onChange={setChosen}
            items={[
              { id: 'all', label: 'All automations' },
              ...automations.map((one) => ({ id: one.id, label: one.name })),
            ]}
          />
        )}
        <Picker label="State" value={state} onChange={setState} items={STATES} />
      </div>
      <Shown
        view={view}
        rows={8}
        isEmpty={(all) => all.length === 0}
        empty={
          <Blank icon={<History size={22} aria-hidden />} title="No runs">
            {state === 'all' ? 'Nothing has run yet.' : 'None is in this state.'}
          </Blank>
        }
      >
        {(all) => <Rows runs={all} isOfOne={automation !== undefined} onEnd={more} />}
      </Shown>
    </>
  )
}

function Rows({ runs, isOfOne, onEnd }: { runs: Run[]; isOfOne: boolean; onEnd: (() => void) | null }) {
  const name = useNames()
  const list = useRef<HTMLUListElement>(null)
  const row = ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize)
  const { from, to } = useVisible(list, runs.length, row)
  const isAtEnd = to >= runs.length
  useEffect(() => {
    if (isAtEnd) onEnd?.()
  }, [isAtEnd, onEnd])
  return (
    <ul ref={list} className="list rows" style={{ height: runs.length * row }} aria-label="Runs">
      {runs.slice(from, to).map((run, at) => (
        <li
          key={run.id}
          className="rows-row"
          aria-setsize={onEnd ? -1 : runs.length}
          aria-posinset={from + at + 1}
          style={{ transform: `translateY(${(from + at) * row}px)`, height: row }}
        >
          <RunRow run={run} name={isOfOne ? undefined : name(run.automation)} />
        </li>
      ))}
    </ul>
  )
}
