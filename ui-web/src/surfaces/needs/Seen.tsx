/** What an item shows so that it can be decided: the exact call, the change, or what went wrong. */

import type { ContractDiff, Json, Need } from '../../deputy/types'
import { Call, type CallShape } from '../../parts/Call'
import { Diff } from '../../parts/Diff'
import { Fold } from '../../parts/Fold'
import { JsonTree } from '../../parts/JsonTree'
import { at, sentence, text } from '../../words/json'
import { message } from './headline'

/** A call as the agent puts it into an item's detail; null when there is none. */
function callOf(detail: Json): CallShape | null {
  const tool = text(detail, 'call', 'tool')
  return tool ? { tool, title: text(detail, 'call', 'title'), args: at(detail, 'call', 'args') } : null
}

/** A comparison in an item's detail. */
export function diffOf(detail: Json, key: string): ContractDiff | null {
  const found = at(detail, key)
  return Array.isArray(at(found, 'changes')) ? (found as unknown as ContractDiff) : null
}

export function Seen({ need }: { need: Need }) {
  const call = callOf(need.detail)
  const diff = need.kind === 'contract_change' ? diffOf(need.detail, 'diff') : null
  const said = need.kind === 'question' ? '' : message(need)
  const repair = text(need.detail, 'repair')
  if (need.kind === 'question' && !call) return null
  return (
    <div className="stack-s">
      {call && <Call call={call} />}
      {diff && <Diff diff={diff} />}
      {said && <p className={`wrap ${call ? 'small quiet' : 'said'}`}>{sentence(said)}</p>}
      {repair && <p className="small quiet wrap">{repair}</p>}
      {need.kind === 'auth' && (
        <p className="small quiet">
          Renew it on the agent’s machine with <code>deputy connect</code>; secrets never pass through this
          page.
        </p>
      )}
      {!call && need.kind !== 'question' && need.kind !== 'contract_change' && (
        <Fold title="Details">
          <JsonTree value={need.detail} label="Details" />
        </Fold>
      )}
    </div>
  )
}
