/**
 * How each kind of chat line looks. A kind that is not known here is shown by its title and text, so
 * that a newer agent is readable.
 */

import type { ComponentType } from 'react'
import { Bell, CircleAlert, CircleCheck } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../../deputy/hooks'
import type { ChatEvent } from '../../deputy/types'
import { Skeleton } from '../../parts/Shown'
import { at, text } from '../../words/json'
import { KIND } from '../../words/needs'
import { Answers } from '../needs/Answers'
import { ProposalCard } from './ProposalCard'

type Line = ComponentType<{ line: ChatEvent }>

const KINDS: Partial<Record<string, Line>> = {
  user_message: UserMessage,
  proposal: ProposalLine,
  notification: Notification,
  need_opened: NeedOpened,
  question: QuestionLine,
  reply: Reply,
}

export function ChatLine({ line }: { line: ChatEvent }) {
  const Kind = KINDS[line.kind] ?? Fallback
  return <Kind line={line} />
}

function UserMessage({ line }: { line: ChatEvent }) {
  return <p className="bubble wrap">{text(line.data, 'text')}</p>
}

function Reply({ line }: { line: ChatEvent }) {
  const title = text(line.data, 'title')
  const said = text(line.data, 'text')
  return (
    <p className="reply wrap">
      {title && (
        <strong>
          {title}
          {said && '. '}
        </strong>
      )}
      {said}
    </p>
  )
}

function Fallback({ line }: { line: ChatEvent }) {
  if (line.author === 'user') return <UserMessage line={line} />
  if (text(line.data, 'title') || text(line.data, 'text')) return <Reply line={line} />
  return <p className="reply quiet">{line.kind.replaceAll('_', ' ')}</p>
}

function Notification({ line }: { line: ChatEvent }) {
  const run = text(line.data, 'run')
  return (
    <div className="note-card">
      <Bell size={17} aria-hidden className="tone-accent" />
      <div>
        <p className="note-title wrap">{text(line.data, 'title')}</p>
        {text(line.data, 'text') && <p className="wrap quiet">{text(line.data, 'text')}</p>}
      </div>
      {run && (
        <Link to={`/runs/${run}`} className="small plain-link faint">
          {run}
        </Link>
      )}
    </div>
  )
}

function NeedOpened({ line }: { line: ChatEvent }) {
  const item = text(line.data, 'need')
  const { answer: open } = useView({ ask: 'needs' })
  const isOpen = open?.some((need) => need.id === item) ?? false
  const kind = text(line.data, 'kind')
  const word = kind in KIND ? KIND[kind as keyof typeof KIND] : kind
  const Icon = isOpen ? CircleAlert : CircleCheck
  return (
    <Link to={`/needs/${item}`} className="note-card note-link">
      <Icon size={17} aria-hidden className={isOpen ? 'tone-warn' : 'faint'} />
      <div>
        <p className="small">
          <strong className={isOpen ? 'tone-warn' : 'quiet'}>
            {isOpen ? `Needs you: ${word}` : `${word}, settled`}
          </strong>
        </p>
        <p className={`wrap${isOpen ? '' : ' quiet'}`}>{text(line.data, 'title')}</p>
      </div>
    </Link>
  )
}

function QuestionLine({ line }: { line: ChatEvent }) {
  const item = text(line.data, 'need')
  const { answer: open } = useView({ ask: 'needs' })
  const need = open?.find((one) => one.id === item)
  return (
    <div className="card need">
      <p className="need-title wrap">{text(line.data, 'title')}</p>
      {need ? <Answers need={need} /> : <p className="small quiet">Answered.</p>}
    </div>
  )
}

function ProposalLine({ line }: { line: ChatEvent }) {
  const proposal = text(line.data, 'proposal')
  const view = useView({ ask: 'proposal', proposal })
  if (!view.answer) {
    if (view.trouble === null) return <Skeleton rows={3} />
    return <Reply line={line} />
  }
  if (view.answer.state === 'proposed') return <ProposalCard proposal={view.answer} />
  return (
    <Link to={`/proposals/${proposal}`} className="note-card note-link">
      <CircleCheck size={17} aria-hidden className="faint" />
      <div>
        <p className="small quiet">
          <strong>{view.answer.state === 'accepted' ? 'Proposal, accepted' : 'Proposal, declined'}</strong>
        </p>
        <p className="wrap">{text(line.data, 'title')}</p>
        {at(line.data, 'text') !== at(line.data, 'title') && (
          <p className="wrap quiet small">{text(line.data, 'text')}</p>
        )}
      </div>
    </Link>
  )
}
