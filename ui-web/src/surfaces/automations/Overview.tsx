/** An automation at a glance: how it stands, what needs a person, its contract, its script. */

import { Lock } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { AutomationDetail } from '../../deputy/types'
import { Ago, On } from '../../parts/Ago'
import { Clauses, ClausesKey } from '../../parts/Clauses'
import { Fold } from '../../parts/Fold'
import { RunMark } from '../../parts/Mark'
import { Section } from '../../parts/Page'
import { Spark } from '../../parts/Spark'
import { money } from '../../words/money'
import { NeedCard } from '../needs/NeedCard'
import { Ending } from './Ending'

export function Overview({ automation }: { automation: AutomationDetail }) {
  const needs = (useView({ ask: 'needs' }).answer ?? []).filter((need) => need.automation === automation.id)
  return (
    <div className="stack">
      <Facts automation={automation} />
      {needs.length > 0 && (
        <Section title="Needs you">
          <div className="stack">
            {needs.map((need) => (
              <NeedCard key={need.id} need={need} />
            ))}
          </div>
        </Section>
      )}
      <Section
        title="Contract"
        aside={<span className="small faint">version {automation.contract_version}</span>}
      >
        <div className="card">
          <Clauses clauses={automation.plain_words} />
          <ClausesKey />
        </div>
      </Section>
      <Fold
        title={
          <>
            Script <span className="faint">version {automation.script_version}</span>
          </>
        }
      >
        <p className="small quiet row">
          <Lock size={14} aria-hidden />
          To read only. Nobody can edit it from here.
        </p>
        <Script text={automation.script} />
      </Fold>
      <Ending automation={automation} />
    </div>
  )
}

function Facts({ automation }: { automation: AutomationDetail }) {
  const [last] = automation.runs
  return (
    <dl className="tiles">
      <div>
        <dt>Next</dt>
        <dd>
          {automation.next_due_at ? (
            <Ago at={automation.next_due_at} />
          ) : automation.state === 'active' ? (
            'When called'
          ) : (
            'Rests'
          )}
        </dd>
        {automation.next_due_at && (
          <dd className="tiny faint">
            <On at={automation.next_due_at} />
          </dd>
        )}
      </div>
      <div>
        <dt>Last run</dt>
        {last ? (
          <>
            <dd>
              <Link to={`/runs/${last.id}`} className="plain-link">
                <RunMark run={last} isBare />
              </Link>
            </dd>
            <dd className="tiny faint">
              <Ago at={last.started_at ?? last.due_at} />
            </dd>
          </>
        ) : (
          <dd>Not yet</dd>
        )}
      </div>
      <div>
        <dt>Cost so far</dt>
        <dd className="nums">{money(automation.cost_micros)}</dd>
      </div>
      <div>
        <dt>Latest runs</dt>
        <dd>{automation.runs.length > 0 ? <Spark runs={automation.runs} /> : 'None'}</dd>
      </div>
    </dl>
  )
}

function Script({ text }: { text: string }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="script" tabIndex={0} role="region" aria-label="Script">
      <code>
        {text.split('\n').map((line, at) => (
          <span key={at} className="script-line">
            {line}
            {'\n'}
          </span>
        ))}
      </code>
    </pre>
  )
}
