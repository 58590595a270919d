/** One input: what it brought, what it led to, and whether to skip it or process it again. */

import { useState } from 'react'
import { RotateCcw, SkipForward } from 'lucide-react'
import { Link } from 'wouter'
import { isPending, useCommand, useMay, useView } from '../../deputy/hooks'
import { useNames } from '../../deputy/names'
import type { Input, InputDetail } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Button } from '../../parts/Button'
import { Check } from '../../parts/Check'
import { Confirm } from '../../parts/Confirm'
import { Given } from '../../parts/Given'
import { JsonTree } from '../../parts/JsonTree'
import { InputMark } from '../../parts/Mark'
import { Page, Section } from '../../parts/Page'
import { Shown } from '../../parts/Shown'
import { capital } from '../../words/json'
import { SOURCE } from '../../words/states'
import { RunRow } from '../runs/RunRow'
import { OutputList } from './InAndOut'

export default function InputPage({ input }: { input: string }) {
  const view = useView({ ask: 'input', input })
  const name = useNames()
  const known = view.answer
  return (
    <Page
      title={known ? capital(known.title) : input}
      mark={known && <InputMark state={known.state} />}
      back={
        known ? { to: `/automations/${known.automation}/items`, label: name(known.automation) } : undefined
      }
      lead={
        known && (
          <p>
            {SOURCE[known.source]}, <Ago at={known.due_at} />
            {known.caused_by !== null && (
              <>
                , because of <Link to={`/inputs/${known.caused_by}`}>{known.caused_by}</Link>
              </>
            )}
          </p>
        )
      }
    >
      <Shown view={view}>
        {(answer) => (
          <>
            <Acts input={answer} />
            {answer.reason !== null && <p className="notice wrap">Skipped: {answer.reason}</p>}
            <Section title="What came in">
              <div className="card">
                {answer.payload === null ? (
                  <p className="quiet">Nothing but the start itself.</p>
                ) : (
                  <JsonTree value={answer.payload} label="What came in" />
                )}
              </div>
            </Section>
            <Section title="What went out">
              <div className="card">
                <OutputList outputs={answer.outputs} />
              </div>
            </Section>
            {answer.emitted.length > 0 && (
              <Section title="What it led to">
                <Emitted items={answer.emitted} />
              </Section>
            )}
            <Section title="Runs">
              {answer.runs.length === 0 ? (
                <p className="quiet">None yet.</p>
              ) : (
                <ul className="list">
                  {answer.runs.map((run) => (
                    <li key={run.id}>
                      <RunRow run={run} />
                    </li>
                  ))}
                </ul>
              )}
            </Section>
          </>
        )}
      </Shown>
    </Page>
  )
}

function Emitted({ items }: { items: Input[] }) {
  return (
    <ul className="list">
      {items.map((item) => (
        <li key={item.id}>
          <Link to={`/inputs/${item.id}`} className="list-row">
            <span className="clip list-main">{capital(item.title)}</span>
            <InputMark state={item.state} isBare />
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Acts({ input }: { input: InputDetail }) {
  const [isAsking, setAsking] = useState(false)
  const [effectsToo, setEffectsToo] = useState(false)
  const maySkip = useMay('input_skip')
  const mayAgain = useMay('input_again')
  const { command, give } = useCommand(
    (ask) => (ask.ask === 'input_skip' || ask.ask === 'input_again') && ask.input === input.id,
  )
  const canSkip = maySkip && (input.state === 'pending' || input.state === 'failed')
  const canAgain = mayAgain && input.state !== 'pending' && input.state !== 'claimed'
  if (isPending(command))
    return <Given command={command} doing={command.ask.ask === 'input_skip' ? 'Skip' : 'Again'} />
  return (
    <div className="stack-s">
      <Given command={command} />
      <div className="row">
        {canAgain && (
          <Button icon={RotateCcw} onPress={() => setAsking(true)}>
            Process again…
          </Button>
        )}
        {canSkip && (
          <Button icon={SkipForward} onPress={() => give({ ask: 'input_skip', input: input.id })}>
            Skip
          </Button>
        )}
      </div>
      <Confirm
        isOpen={isAsking}
        title="Process this again?"
        action="Process again"
        onAnswer={(isYes) => {
          setAsking(false)
          if (isYes) give({ ask: 'input_again', input: input.id, effects_again: effectsToo })
        }}
      >
        <p>A new run takes it up. What went out already does not go out a second time, unless you say so.</p>
        <Check isSelected={effectsToo} onChange={setEffectsToo}>
          Do its effects again too
        </Check>
      </Confirm>
    </div>
  )
}
