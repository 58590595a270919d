/** The contract's versions, newest first, each with what it changed. */

import { useView } from '../../deputy/hooks'
import { On } from '../../parts/Ago'
import { Clauses } from '../../parts/Clauses'
import { Diff } from '../../parts/Diff'
import { Fold } from '../../parts/Fold'
import { Tag } from '../../parts/Mark'
import { Shown, Skeleton, Trouble } from '../../parts/Shown'

export function Versions({ automation, newest }: { automation: string; newest: number }) {
  if (newest === 0) return <p className="quiet">There is no version yet: the proposal was not accepted.</p>
  return (
    <ol className="stack">
      {Array.from({ length: newest }, (_, at) => newest - at).map((version) => (
        <li key={version}>
          <Version automation={automation} version={version} isNewest={version === newest} />
        </li>
      ))}
    </ol>
  )
}

function Version({
  automation,
  version,
  isNewest,
}: {
  automation: string
  version: number
  isNewest: boolean
}) {
  const view = useView({ ask: 'contract', automation, version })
  return (
    <div className="card stack-s">
      <Shown view={view} rows={1}>
        {(contract) => (
          <>
            <div className="row">
              <h2>Version {version}</h2>
              {isNewest && <Tag tone="accent">In force</Tag>}
              <span className="small faint push">
                <On at={contract.created_at} />
              </span>
            </div>
            {version > 1 ? (
              <Change automation={automation} version={version} />
            ) : (
              <p className="small quiet">What you delegated first.</p>
            )}
            <Fold title="In plain words">
              <Clauses clauses={contract.plain_words} />
            </Fold>
          </>
        )}
      </Shown>
    </div>
  )
}

function Change({ automation, version }: { automation: string; version: number }) {
  const { answer, trouble } = useView({ ask: 'contract_diff', automation, from: version - 1, to: version })
  if (answer) return <Diff diff={answer} />
  return trouble === null ? <Skeleton rows={1} /> : <Trouble message={trouble} />
}
