/** One run with its whole timeline, live while it is at work. */

import { Ban } from 'lucide-react'
import { Link } from 'wouter'
import { isPending, useCommand, useMay, useView } from '../../deputy/hooks'
import { useNames } from '../../deputy/names'
import type { Run, RunDetail } from '../../deputy/types'
import { Ago, On } from '../../parts/Ago'
import { Button } from '../../parts/Button'
import { Given } from '../../parts/Given'
import { JsonTree } from '../../parts/JsonTree'
import { RunMark } from '../../parts/Mark'
import { Page, Section } from '../../parts/Page'
import { Shown } from '../../parts/Shown'
import { sentence } from '../../words/json'
import { count, money } from '../../words/money'
import { FAILURE, SPENT } from '../../words/states'
import { duration } from '../../words/time'
import { NeedCard } from '../needs/NeedCard'
import { Timeline } from './Timeline'

export default function RunPage({ run }: { run: string }) {
  const view = useView({ ask: 'run', run })
  const name = useNames()
  const known = view.answer
  return (
    <Page
      title={known ? name(known.automation) : run}
      mark={known && <RunMark run={known} />}
      back={{ to: '/runs', label: 'Runs' }}
      lead={
        known && (
          <p>
            Run <span className="mono">{known.id}</span> of{' '}
            <Link to={`/automations/${known.automation}`}>{name(known.automation)}</Link>,{' '}
            <Ago at={known.started_at ?? known.due_at} />
          </p>
        )
      }
    >
      <Shown view={view} rows={6}>
        {(answer) => <Detail run={answer} />}
      </Shown>
    </Page>
  )
}

function Detail({ run }: { run: RunDetail }) {
  return (
    <>
      <Cancel run={run} />
      {run.needs.length === 0 && <Why run={run} />}
      {run.needs.map((need) => (
        <NeedCard key={need.id} need={need} level={2} />
      ))}
      <dl className="tiles">
        <div>
          <dt>Time at work</dt>
          <dd className="nums">{duration(run.duration_ms)}</dd>
        </div>
        <div>
          <dt>Steps</dt>
          <dd className="nums">{run.steps}</dd>
        </div>
        <div>
          <dt>Attempt</dt>
          <dd className="nums">{run.attempt}</dd>
        </div>
        <div>
          <dt>Cost</dt>
          <dd className="nums">{money(run.cost_micros)}</dd>
        </div>
        <div>
          <dt>Came from</dt>
          <dd>
            <Link to={`/inputs/${run.input}`}>{run.input}</Link>
          </dd>
        </div>
      </dl>
      <Section
        title="Timeline"
        aside={
          <span className="small faint">
            {count(run.steps, 'step')}, script {run.script_version}, contract {run.contract_version}
          </span>
        }
      >
        <Timeline run={run} />
      </Section>
      {run.result !== null && (
        <Section title="What it returned">
          <div className="card">
            <JsonTree value={run.result} label="What it returned" />
          </div>
        </Section>
      )}
    </>
  )
}

function Why({ run }: { run: Run }) {
  const isRetry = run.state === 'waiting' && run.waiting_for === 'retry'
  const isSpent = run.state === 'failed' && run.failure_class === 'transient'
  if (run.failure_class === null || run.state === 'succeeded') return null
  return (
    <div className={`why tone-${isRetry ? 'calm' : run.state === 'failed' ? 'bad' : 'warn'}`}>
      <p>
        <strong>{isSpent ? SPENT : FAILURE[run.failure_class]}</strong>{' '}
        {isRetry && run.waiting_until !== null && (
          <>
            The next attempt is <Ago at={run.waiting_until} />, <On at={run.waiting_until} />.
          </>
        )}
      </p>
      {run.failure !== null && <p className="small wrap quiet">{sentence(run.failure)}</p>}
    </div>
  )
}

function Cancel({ run }: { run: Run }) {
  const may = useMay('run_cancel')
  const { command, give } = useCommand((ask) => ask.ask === 'run_cancel' && ask.run === run.id)
  const isOver = run.state === 'succeeded' || run.state === 'failed' || run.state === 'cancelled'
  if (isOver || !may) return null
  return (
    <div className="stack-s">
      <Given command={command} doing="Cancel" />
      {!isPending(command) && (
        <div className="row">
          <Button icon={Ban} onPress={() => give({ ask: 'run_cancel', run: run.id })}>
            Cancel this run
          </Button>
        </div>
      )}
    </div>
  )
}
