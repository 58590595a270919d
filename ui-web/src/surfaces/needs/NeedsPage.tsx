/** Needs you: everything that only a person can do, and what was answered lately. */

import { Check, Sparkle } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import { useNames } from '../../deputy/names'
import type { Need } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { ButtonLink } from '../../parts/Button'
import { Page, Section } from '../../parts/Page'
import { Blank, Shown } from '../../parts/Shown'
import { count } from '../../words/money'
import { isDecision, option } from '../../words/needs'
import { headline } from './headline'
import { NeedCard } from './NeedCard'

const RECENT = 12

export function NeedsPage() {
  const needs = useView({ ask: 'needs' })
  const open = needs.answer?.length
  return (
    <Page
      title="Needs you"
      lead={
        open
          ? `${count(open, 'thing')} that only you can decide. Everything else goes on without you.`
          : undefined
      }
    >
      <Shown
        view={needs}
        isEmpty={(all) => all.length === 0}
        empty={
          <Blank icon={<Sparkle size={22} aria-hidden />} title="Nothing needs you">
            <p>What you delegated runs by itself. When something needs a decision, it appears here.</p>
            <ButtonLink to="/chat">Delegate something</ButtonLink>
          </Blank>
        }
      >
        {(all) => (
          <>
            <Group title="To decide" needs={all.filter((need) => isDecision(need.kind))} />
            <Group title="Went wrong" needs={all.filter((need) => !isDecision(need.kind))} />
          </>
        )}
      </Shown>
      <Recent />
    </Page>
  )
}

function Group({ title, needs }: { title: string; needs: Need[] }) {
  if (needs.length === 0) return null
  return (
    <Section title={title} aside={<span className="small faint nums">{needs.length}</span>}>
      <div className="stack">
        {needs.map((need) => (
          <NeedCard key={need.id} need={need} />
        ))}
      </div>
    </Section>
  )
}

function Recent() {
  const { answer } = useView({ ask: 'needs', all: true })
  const settled = (answer ?? [])
    .filter((need) => need.state !== 'open')
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
    .slice(0, RECENT)
  if (settled.length === 0) return null
  return (
    <Section title="Answered lately">
      <ul className="list">
        {settled.map((need) => (
          <Answered key={need.id} need={need} />
        ))}
      </ul>
    </Section>
  )
}

function Answered({ need }: { need: Need }) {
  const name = useNames()
  return (
    <li>
      <Link to={`/needs/${need.id}`} className="list-row">
        <Check size={16} aria-hidden className="faint" />
        <span className="list-main">
          <span className="clip">{headline(need)}</span>
          <span className="small quiet clip">
            {answerOf(need)} · {name(need.automation)} · <Ago at={need.created_at} />
          </span>
        </span>
      </Link>
    </li>
  )
}

/** How an item was settled, and by whom. */
export function answerOf(need: Need): string {
  if (need.state === 'withdrawn') return 'no longer needed'
  const choice = need.choices.find((one) => one.id === need.answer)
  const said = choice ? option(need.kind, choice).button : (need.answer ?? 'answered')
  const by = need.answered_by === 'cli' ? 'at the agent' : need.answered_by
  return by ? `${said}, ${by}` : said
}
