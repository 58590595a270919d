/** An action-needed item: what it is, what is asked, what each answer does. */

import { Link } from 'wouter'
import { useNames } from '../../deputy/names'
import type { Need } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Tag } from '../../parts/Mark'
import { KIND } from '../../words/needs'
import { Answers } from './Answers'
import { headline } from './headline'
import { Seen } from './Seen'

/** `level` is that of its heading, as it stands on the page. */
export function NeedCard({ need, level = 3 }: { need: Need; level?: 2 | 3 }) {
  const Heading = `h${level}` as const
  const name = useNames()
  return (
    <article className="card need" aria-labelledby={`title-${need.id}`}>
      <div className="need-meta small">
        <Tag tone="warn">{KIND[need.kind]}</Tag>
        <Ago at={need.created_at} className="faint push" />
        <span className="need-of">
          {need.automation !== null && (
            <Link to={`/automations/${need.automation}`} className="plain-link clip">
              {name(need.automation)}
            </Link>
          )}
          {need.run !== null && (
            <Link to={`/runs/${need.run}`} className="plain-link faint">
              {need.run}
            </Link>
          )}
        </span>
      </div>
      <Heading className="need-title wrap" id={`title-${need.id}`}>
        <Link to={`/needs/${need.id}`} className="title-link">
          {headline(need)}
        </Link>
      </Heading>
      <Seen need={need} />
      <Answers need={need} />
    </article>
  )
}
