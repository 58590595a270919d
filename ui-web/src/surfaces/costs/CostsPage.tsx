/** What it cost, by whatever one wants to know. */

import { useState } from 'react'
import { Coins } from 'lucide-react'
import { Link } from 'wouter'
import type { CostsBy } from '../../deputy/ask'
import { useView } from '../../deputy/hooks'
import { useNames } from '../../deputy/names'
import type { CostLine } from '../../deputy/types'
import { useKept } from '../../parts/kept'
import { Page } from '../../parts/Page'
import { Segments } from '../../parts/Segments'
import { Blank, Shown } from '../../parts/Shown'
import { count, money } from '../../words/money'

const DAY = 86_400_000
const BY: { id: CostsBy; label: string }[] = [
  { id: 'automation', label: 'Automation' },
  { id: 'run', label: 'Run' },
  { id: 'tool', label: 'Tool' },
  { id: 'connection', label: 'Connection' },
  { id: 'model', label: 'Model' },
]
const PERIODS = [
  { id: 'day', label: '24 hours', ms: DAY },
  { id: 'week', label: '7 days', ms: 7 * DAY },
  { id: 'month', label: '30 days', ms: 30 * DAY },
  { id: 'all', label: 'Ever', ms: undefined },
] as const
const MOST_ROWS = 100

export default function CostsPage() {
  const [by, setBy] = useState<CostsBy>('automation')
  const [period, setPeriod] = useState<(typeof PERIODS)[number]['id']>('month')
  const since = PERIODS.find((one) => one.id === period)?.ms
  const costs = useKept(
    useView({ ask: 'costs', by, ...(since === undefined ? {} : { since_ms: since }) }),
    by,
  )
  return (
    <Page
      title="Costs"
      lead="Money goes to language models only: for planning, for repairs, and where a contract allows it."
    >
      <div className="filters">
        <Segments label="Period" items={PERIODS} value={period} onChange={setPeriod} />
        <Segments label="By" items={BY} value={by} onChange={setBy} />
      </div>
      <Shown
        view={costs}
        isEmpty={(lines) => lines.length === 0}
        empty={
          <Blank icon={<Coins size={22} aria-hidden />} title="Nothing was spent">
            Runs without a model cost nothing.
          </Blank>
        }
      >
        {(lines) => <Bars lines={lines} by={by} />}
      </Shown>
    </Page>
  )
}

function Bars({ lines, by }: { lines: CostLine[]; by: CostsBy }) {
  const sorted = [...lines].sort((a, b) => b.cost_micros - a.cost_micros)
  const total = sorted.reduce((sum, line) => sum + line.cost_micros, 0)
  const most = Math.max(1, sorted[0]?.cost_micros ?? 0)
  return (
    <div className="card stack">
      <div>
        <p className="small quiet">In all</p>
        <p className="total nums">{money(total)}</p>
      </div>
      <ul className="bars">
        {sorted.slice(0, MOST_ROWS).map((line) => (
          <li key={line.id} className="bar">
            <span className="bar-name clip">
              <Name id={line.id} by={by} />
            </span>
            <span className="small faint nums">{count(line.calls, 'call')}</span>
            <span className="bar-money nums">{money(line.cost_micros)}</span>
            <svg className="bar-track" width="100%" height="6" aria-hidden>
              <rect width="100%" height="6" rx="3" className="bar-rest" />
              <rect
                width={`${Math.max(0.5, (line.cost_micros / most) * 100)}%`}
                height="6"
                rx="3"
                className="bar-fill"
              />
            </svg>
          </li>
        ))}
      </ul>
      {sorted.length > MOST_ROWS && (
        <p className="small faint">
          The {MOST_ROWS} dearest of {sorted.length}.
        </p>
      )}
    </div>
  )
}

function Name({ id, by }: { id: string; by: CostsBy }) {
  const name = useNames()
  if (by === 'automation') return <Link to={`/automations/${id}`}>{name(id)}</Link>
  if (by === 'run') return <Link to={`/runs/${id}`}>{id}</Link>
  return id
}
