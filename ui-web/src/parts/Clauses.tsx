/** A contract in plain words, in the order in which people ask: when, with what, its limits, and the rest. */

import { Eye, ShieldCheck, TriangleAlert } from 'lucide-react'
import type { Clause } from '../deputy/types'

const GROUPS: { title: string; kinds: string[] }[] = [
  { title: 'When', kinds: ['trigger'] },
  { title: 'What it may do', kinds: ['capability'] },
  { title: 'Its limits', kinds: ['invariant'] },
  { title: 'When it asks you', kinds: ['approval'] },
  { title: 'A good run', kinds: ['success'] },
  { title: 'Assumed', kinds: ['assumption', 'non_goal'] },
  { title: 'How it behaves', kinds: ['policy', 'budget'] },
]
const LISTED = new Set(['purpose', ...GROUPS.flatMap((group) => group.kinds)])

export function Clauses({ clauses, only }: { clauses: Clause[]; only?: string[] }) {
  const groups = GROUPS.map((group) => ({
    ...group,
    clauses: clauses.filter((clause) => group.kinds.includes(clause.kind)),
  }))
  // A kind of a newer agent is shown all the same.
  groups.push({ title: 'Also', kinds: [], clauses: clauses.filter((clause) => !LISTED.has(clause.kind)) })
  const isShown = (group: { title: string; clauses: Clause[] }) =>
    group.clauses.length > 0 && (only === undefined || only.includes(group.title))
  return (
    <dl className="clauses">
      {groups.filter(isShown).map((group) => (
        <div key={group.title} className="clauses-group">
          <dt>{group.title}</dt>
          <dd>
            <ul className="stack-s">
              {group.clauses.map((clause, at) => (
                <Row key={at} clause={clause} />
              ))}
            </ul>
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Kinds whose text repeats the group's title. */
const PREFIX = /^(Assumed|Not meant|A good run): /

function Row({ clause }: { clause: Clause }) {
  const text = clause.kind === 'non_goal' ? clause.text : clause.text.replace(PREFIX, '')
  return (
    <li className="clause">
      <Force clause={clause} />
      <span className="wrap">
        {text}
        {clause.wide && <span className="clause-wide">Everything of this kind</span>}
      </span>
    </li>
  )
}

function Force({ clause }: { clause: Clause }) {
  if (clause.wide) return <TriangleAlert size={16} className="tone-warn" role="img" aria-label="Wide" />
  if (clause.enforced)
    return <ShieldCheck size={16} className="tone-accent" role="img" aria-label="Enforced" />
  return <Eye size={16} className="faint" role="img" aria-label="Understood" />
}

/** What the two icons mean. */
export function ClausesKey() {
  return (
    <p className="clauses-key tiny faint">
      <span>
        <ShieldCheck size={14} aria-hidden className="tone-accent" /> enforced by the agent
      </span>
      <span>
        <Eye size={14} aria-hidden /> understood, not enforced
      </span>
    </p>
  )
}
