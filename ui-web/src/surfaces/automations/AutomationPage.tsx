/** One automation: what it is for, what it may do, what it did, and how to steer it. */

import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { AutomationDetail } from '../../deputy/types'
import { AutomationMark } from '../../parts/Mark'
import { Page } from '../../parts/Page'
import { Shown } from '../../parts/Shown'
import { RunList } from '../runs/RunList'
import { InAndOut } from './InAndOut'
import { Overview } from './Overview'
import { Steering } from './Steering'
import { Versions } from './Versions'

const PARTS = [
  { id: 'overview', label: 'Overview' },
  { id: 'items', label: 'In and out' },
  { id: 'runs', label: 'Runs' },
  { id: 'versions', label: 'Versions' },
]

export default function AutomationPage({ automation, part }: { automation: string; part: string }) {
  const view = useView({ ask: 'automation', automation })
  const known = view.answer
  return (
    <Page
      title={known?.name ?? automation}
      isWide
      mark={known && <AutomationMark state={known.state} />}
      back={{ to: '/automations', label: 'Automations' }}
      lead={known && known.purpose !== known.name ? <p className="wrap">{known.purpose}</p> : undefined}
    >
      <Shown view={view} rows={6}>
        {(answer) => (
          <div className="stack">
            <Steering automation={answer} />
            <nav className="tabs" aria-label="Parts">
              {PARTS.map(({ id, label }) => (
                <Link
                  key={id}
                  to={id === 'overview' ? `/automations/${automation}` : `/automations/${automation}/${id}`}
                  className="tab"
                  aria-current={part === id ? 'page' : undefined}
                >
                  {label}
                </Link>
              ))}
            </nav>
            <Part part={part} automation={answer} />
          </div>
        )}
      </Shown>
    </Page>
  )
}

function Part({ part, automation }: { part: string; automation: AutomationDetail }) {
  switch (part) {
    case 'items':
      return <InAndOut automation={automation.id} />
    case 'runs':
      return <RunList automation={automation.id} />
    case 'versions':
      return <Versions automation={automation.id} newest={automation.contract_version} />
    default:
      return <Overview automation={automation} />
  }
}
