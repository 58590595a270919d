/** All automations: what was delegated, how each stands, and when it is next. */

import { useState, type ReactNode } from 'react'
import { BookOpenCheck, ChevronRight, Plus } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { Automation, AutomationState } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { ButtonLink } from '../../parts/Button'
import { AutomationMark, RunMark } from '../../parts/Mark'
import { Page } from '../../parts/Page'
import { Segments } from '../../parts/Segments'
import { Blank, Shown } from '../../parts/Shown'
import { money } from '../../words/money'

const SHOWN = [
  { id: 'present', label: 'In use' },
  { id: 'archived', label: 'Archived' },
] as const

const ORDER: Record<AutomationState, number> = { active: 1, paused: 1, draft: 0, archived: 2 }

/** When something is next that has no due time. */
const REST: Record<AutomationState, string> = {
  draft: 'once delegated',
  active: 'when called',
  paused: 'rests',
  archived: 'never',
}

/** Proposals first, then what needs a person, then by what is next. */
function inOrder(a: Automation, b: Automation): number {
  return (
    ORDER[a.state] - ORDER[b.state] ||
    Number(b.needs_open > 0) - Number(a.needs_open > 0) ||
    (a.next_due_at ?? '9').localeCompare(b.next_due_at ?? '9') ||
    a.name.localeCompare(b.name)
  )
}

export default function AutomationsPage() {
  const [shown, setShown] = useState<(typeof SHOWN)[number]['id']>('present')
  const isArchived = shown === 'archived'
  const view = useView({ ask: 'automations', archived: isArchived })
  const pick = (all: Automation[]) =>
    all.filter((one) => (one.state === 'archived') === isArchived).sort(inOrder)
  return (
    <Page
      title="Automations"
      isWide
      actions={
        <>
          <Segments label="Which" items={SHOWN} value={shown} onChange={setShown} />
          <ButtonLink to="/chat" weight="main" icon={Plus}>
            Delegate
          </ButtonLink>
        </>
      }
    >
      <Shown
        view={view}
        isEmpty={(all) => pick(all).length === 0}
        empty={
          <Blank
            icon={<BookOpenCheck size={22} aria-hidden />}
            title={isArchived ? 'Nothing is archived' : 'Nothing is delegated yet'}
          >
            {!isArchived && <p>Say in the chat what should be done, and it appears here.</p>}
          </Blank>
        }
      >
        {(all) => (
          <div>
            {/* Each fact has its label in its row; on wide screens it is seen here instead. */}
            <div className="automation-row automation-head tiny faint" aria-hidden>
              <span>Name</span>
              <span>State</span>
              <span>Next</span>
              <span>Last run</span>
              <span>Cost</span>
            </div>
            <ul className="list">
              {pick(all).map((one) => (
                <Row key={one.id} one={one} />
              ))}
            </ul>
          </div>
        )}
      </Shown>
    </Page>
  )
}

function Row({ one }: { one: Automation }) {
  return (
    <li>
      <Link to={`/automations/${one.id}`} className="automation-row">
        <span className="automation-name">
          <span className="automation-title">
            <span className="clip">{one.name}</span>
            {one.needs_open > 0 && (
              <span className="badge nums">
                {one.needs_open}
                <span className="hidden"> {one.needs_open === 1 ? 'needs you' : 'need you'}</span>
              </span>
            )}
          </span>
          <span className="small quiet clip">{one.purpose}</span>
        </span>
        <AutomationMark state={one.state} />
        <span className="automation-facts small">
          <Fact label="Next">
            {one.next_due_at ? (
              <Ago at={one.next_due_at} />
            ) : (
              <span className="quiet">{REST[one.state]}</span>
            )}
          </Fact>
          <Fact label="Last">
            {one.last_run_state && one.last_run_at ? (
              <span className="row">
                <RunMark run={{ state: one.last_run_state, waiting_for: null }} isBare />
                <Ago at={one.last_run_at} className="faint" />
              </span>
            ) : (
              <span className="quiet">not yet</span>
            )}
          </Fact>
          <Fact label="Cost">
            <span className={one.cost_micros > 0 ? 'nums' : 'nums faint'}>{money(one.cost_micros)}</span>
          </Fact>
        </span>
        <ChevronRight size={17} aria-hidden className="faint automation-go" />
      </Link>
    </li>
  )
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <span className="automation-fact">
      <span className="automation-label faint">{label}</span>
      {children}
    </span>
  )
}
