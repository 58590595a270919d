/** A tool call as people read it: a mail as a mail, anything else as its arguments. */

import type { Json } from '../deputy/types'
import { at, inline, text } from '../words/json'
import { verb } from '../words/tools'
import { Fold } from './Fold'
import { JsonTree } from './JsonTree'

export interface CallShape {
  tool: string
  title: string
  args: Json
}

/** Arguments that only say how the agent is to keep books. */
const ASIDE = new Set(['once', 'connection'])

export function Call({ call }: { call: CallShape }) {
  return (
    <div className="call">
      <div className="call-head">
        <span>{verb(call.tool)}</span>
        <span className="mono faint">{call.tool}</span>
      </div>
      {call.tool === 'mail.send' || call.tool === 'mail.draft' ? (
        <Mail args={call.args} />
      ) : (
        <Args call={call} />
      )}
      <Fold title="The exact call">
        <JsonTree value={call.args} label="Arguments" />
      </Fold>
    </div>
  )
}

function Mail({ args }: { args: Json }) {
  const lines = ['to', 'cc', 'bcc']
    .map((key) => [key, inline(at(args, key) ?? '')])
    .filter(([, value]) => value && value !== 'null')
  return (
    <div className="call-body">
      <dl className="facts">
        {lines.map(([key, value]) => (
          <div key={key}>
            <dt>{key === 'to' ? 'To' : key === 'cc' ? 'Copy' : 'Blind copy'}</dt>
            <dd className="wrap">{value}</dd>
          </div>
        ))}
        <div>
          <dt>Subject</dt>
          <dd className="wrap call-subject">{text(args, 'subject')}</dd>
        </div>
      </dl>
      <p className="call-text wrap">{text(args, 'text') || text(args, 'html')}</p>
    </div>
  )
}

function Args({ call }: { call: CallShape }) {
  const entries =
    call.args !== null && typeof call.args === 'object' && !Array.isArray(call.args)
      ? Object.entries(call.args).filter(([key]) => !ASIDE.has(key))
      : []
  if (entries.length === 0) return <p className="call-body wrap">{call.title}</p>
  return (
    <div className="call-body">
      <dl className="facts">
        {entries.slice(0, 8).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd className="wrap">{inline(value)}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
