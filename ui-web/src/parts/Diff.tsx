/** What a change of a contract means, each change with its direction in a word and an icon. */

import { ArrowDownNarrowWide, ArrowUpWideNarrow, Equal, ArrowUpDown } from 'lucide-react'
import type { ContractDiff, Verdict } from '../deputy/types'

const EFFECT: Record<Verdict, { word: string; icon: typeof Equal; tone: string }> = {
  wider: { word: 'Wider', icon: ArrowUpWideNarrow, tone: 'warn' },
  narrower: { word: 'Narrower', icon: ArrowDownNarrowWide, tone: 'good' },
  same: { word: 'Same', icon: Equal, tone: 'calm' },
  both: { word: 'Wider and narrower', icon: ArrowUpDown, tone: 'warn' },
}

const VERDICT: Record<Verdict, string> = {
  wider: 'It may do more than before.',
  narrower: 'It may do less than before.',
  same: 'What it may do stays the same.',
  both: 'It may do more in some ways, and less in others.',
}

export function Diff({ diff }: { diff: ContractDiff }) {
  return (
    <div className="diff">
      <p className="small">{VERDICT[diff.verdict]}</p>
      <ul className="diff-list">
        {diff.changes.map((change, at) => {
          const { word, icon: Icon, tone } = EFFECT[change.effect]
          return (
            <li key={at} className="diff-row">
              <span className={`mark tone-${tone}`}>
                <Icon size={14} aria-hidden />
                {word}
              </span>
              <span className="wrap">{change.text}</span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}
