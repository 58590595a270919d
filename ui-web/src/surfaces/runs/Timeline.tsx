/** What happened in a run, in order: its steps and what befell it between them. */

import { Circle, RotateCw } from 'lucide-react'
import type { Event, RunDetail, Step } from '../../deputy/types'
import { Fold } from '../../parts/Fold'
import { JsonTree } from '../../parts/JsonTree'
import { StepMark, Tag } from '../../parts/Mark'
import { at, inline, text } from '../../words/json'
import { eventWords } from '../../words/events'
import { EFFECT } from '../../words/states'
import { duration, second } from '../../words/time'
import { verb } from '../../words/tools'

type Entry = { at: string; step: Step } | { at: string; event: Event }

/** Steps and events by time; of two at one time the event is first, as it came first. */
function entries(run: RunDetail): Entry[] {
  const all: Entry[] = [
    ...run.events.map((event) => ({ at: event.at, event })),
    ...run.journal.map((step) => ({ at: step.started_at, step })),
  ]
  return all.sort((a, b) => a.at.localeCompare(b.at))
}

export function Timeline({ run }: { run: RunDetail }) {
  return (
    <ol className="timeline">
      {entries(run).map((entry) =>
        'step' in entry ? (
          <StepEntry key={`step ${entry.step.seq}`} step={entry.step} />
        ) : (
          <EventEntry key={`event ${entry.event.seq}`} event={entry.event} />
        ),
      )}
    </ol>
  )
}

function EventEntry({ event }: { event: Event }) {
  const why = text(event.data, 'failure', 'message') || text(event.data, 'reason')
  return (
    <li className="entry">
      <span className="entry-dot faint">
        <Circle size={9} aria-hidden />
      </span>
      <div className="entry-event small quiet">
        <span className="wrap">{eventWords(event)}</span>
        <Clock at={event.at} />
        {why && <p className="wrap entry-why">{why}</p>}
      </div>
    </li>
  )
}

/** The argument that says most about a call. */
const TELLING = ['subject', 'title', 'name', 'path', 'from', 'url', 'query', 'topic', 'id', 'ms']

function gist(step: Step): string {
  const key = TELLING.find((one) => at(step.args, one) !== null)
  return key === undefined ? '' : inline(at(step.args, key))
}

function StepEntry({ step }: { step: Step }) {
  const effect = EFFECT[step.effect_class]
  const isEffect = effect.word === 'effect'
  return (
    <li className={`entry${isEffect ? ' entry-effect' : ''}`}>
      <span className="entry-dot nums tiny" aria-hidden>
        {step.seq}
      </span>
      <div className="entry-step">
        <Fold
          title={
            <span className="entry-title">
              <span className="entry-verb">{verb(step.tool)}</span>
              <span className="clip quiet">{gist(step)}</span>
              <span className="entry-facts">
                {isEffect && <Tag tone="accent">effect</Tag>}
                {step.state !== 'done' && <StepMark state={step.state} isBare />}
                {step.duration_ms !== null && (
                  <span className="tiny faint nums">{duration(step.duration_ms)}</span>
                )}
              </span>
            </span>
          }
        >
          <p className="small quiet">
            <span className="mono">{step.tool}</span> · {effect.means} · attempt {step.attempt} ·{' '}
            <Clock at={step.started_at} />
          </p>
          {step.reused && (
            <p className="small row">
              <RotateCw size={14} aria-hidden />
              Done before with this key, so nothing was done again.
            </p>
          )}
          <h3>Arguments</h3>
          <JsonTree value={step.args} label="Arguments" />
          <h3>{step.state === 'failed' ? 'Error' : 'Outcome'}</h3>
          {step.outcome === null ? (
            <p className="small faint">None</p>
          ) : (
            <JsonTree value={step.outcome} label="Outcome" />
          )}
        </Fold>
      </div>
    </li>
  )
}

function Clock({ at: time }: { at: string }) {
  return (
    <time dateTime={time} className="tiny faint nums">
      {second(Date.parse(time))}
    </time>
  )
}
