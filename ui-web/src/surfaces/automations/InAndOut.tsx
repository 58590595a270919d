/** What came in and what went out because of it. */

import { useState } from 'react'
import { ArrowDown, ArrowRight, Inbox } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { Input, Output } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Button } from '../../parts/Button'
import { useKept } from '../../parts/kept'
import { InputMark, StepMark } from '../../parts/Mark'
import { Blank, Shown } from '../../parts/Shown'
import { capital } from '../../words/json'
import { SOURCE } from '../../words/states'

const PAGE = 40

export function InAndOut({ automation }: { automation: string }) {
  const [limit, setLimit] = useState(PAGE)
  const inputs = useKept(useView({ ask: 'inputs', automation, limit }), automation)
  const outputs = useKept(useView({ ask: 'outputs', automation, limit: limit * 4 }), automation)
  const of = (input: Input) => outputs.answer?.filter((output) => output.caused_by === input.id) ?? []
  return (
    <Shown
      view={inputs}
      isEmpty={(all) => all.length === 0}
      empty={
        <Blank icon={<Inbox size={22} aria-hidden />} title="Nothing came in yet">
          Every tick, event or item that starts a run is listed here, with what went out because of it.
        </Blank>
      }
    >
      {(all) => (
        <div className="stack-s">
          <ul className="list">
            {all.map((input) => (
              <Row key={input.id} input={input} outputs={of(input)} />
            ))}
          </ul>
          {all.length >= limit && <Button onPress={() => setLimit(limit * 2)}>Show more</Button>}
        </div>
      )}
    </Shown>
  )
}

function Row({ input, outputs }: { input: Input; outputs: Output[] }) {
  return (
    <li className="item-row">
      <div className="item-in">
        <Link to={`/inputs/${input.id}`} className="title-link wrap">
          {capital(input.title)}
        </Link>
        <p className="small faint row">
          <InputMark state={input.state} isBare />
          {capital(input.title) !== SOURCE[input.source] && <span>{SOURCE[input.source]}</span>}
          <Ago at={input.due_at} />
        </p>
      </div>
      <ArrowRight size={16} aria-hidden className="item-arrow item-arrow-wide faint" />
      <ArrowDown size={16} aria-hidden className="item-arrow item-arrow-narrow faint" />
      <OutputList outputs={outputs} />
    </li>
  )
}

export function OutputList({ outputs }: { outputs: Output[] }) {
  if (outputs.length === 0) return <p className="item-out small faint">Nothing went out.</p>
  return (
    <ul className="item-out">
      {outputs.map((output) => (
        <li key={output.id} className="row small">
          <Link to={`/runs/${output.run}`} className="plain-link wrap">
            {output.title}
          </Link>
          {output.state !== 'done' && <StepMark state={output.state} isBare />}
        </li>
      ))}
    </ul>
  )
}
