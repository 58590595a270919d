/** A run in a list: of all automations with its name, of one with its id alone. */

import { memo } from 'react'
import { Link } from 'wouter'
import type { Run } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { RunMark } from '../../parts/Mark'
import { count, money } from '../../words/money'
import { duration } from '../../words/time'

/** Drawn again only when its run changes: there may be many, and they scroll. */
export const RunRow = memo(function RunRow({ run, name }: { run: Run; name?: string }) {
  return (
    <Link to={`/runs/${run.id}`} className="run-row">
      <RunMark run={run} isBare />
      <span className="run-name clip">{name ?? `Run ${run.id}`}</span>
      <span className="run-id mono faint">{name === undefined ? '' : run.id}</span>
      <span className="run-fact nums faint">{count(run.steps, 'step')}</span>
      <span className="run-fact nums faint">{run.started_at ? duration(run.duration_ms) : '–'}</span>
      <span className="run-fact nums faint">{run.cost_micros > 0 ? money(run.cost_micros) : ''}</span>
      <Ago at={run.started_at ?? run.due_at} className="run-when small faint" />
    </Link>
  )
})
