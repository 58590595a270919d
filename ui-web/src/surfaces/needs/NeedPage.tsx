/** One action-needed item, for deep links and for what is settled. */

import { useView } from '../../deputy/hooks'
import { Page } from '../../parts/Page'
import { Shown } from '../../parts/Shown'
import { KIND } from '../../words/needs'
import { NeedCard } from './NeedCard'
import { answerOf } from './NeedsPage'

export default function NeedPage({ item }: { item: string }) {
  const all = useView({ ask: 'needs', all: true })
  // The list is what is kept for when the line is away; a single item only stands in for it.
  const one = useView({ ask: 'need', item })
  const known = all.answer?.find((need) => need.id === item)
  const view = known ? { ...all, answer: known } : one
  return (
    <Page
      title={view.answer ? KIND[view.answer.kind] : 'Action needed'}
      back={{ to: '/needs', label: 'Needs you' }}
    >
      <Shown view={view}>
        {(need) => (
          <div className="stack">
            {need.state !== 'open' && <p className="notice">Settled: {answerOf(need)}.</p>}
            <NeedCard need={need} level={2} />
          </div>
        )}
      </Shown>
    </Page>
  )
}
