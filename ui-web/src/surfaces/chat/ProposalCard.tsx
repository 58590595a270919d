/**
 * A proposal: what was understood, what it would do right now, and what must be confirmed, before
 * anything begins.
 */

import { useState } from 'react'
import { Check as Tick, FlaskConical, PencilLine, X } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { isPending, useCommand, useMay } from '../../deputy/hooks'
import type { Doubt, Preview, Proposal } from '../../deputy/types'
import { Button } from '../../parts/Button'
import { Check } from '../../parts/Check'
import { Clauses, ClausesKey } from '../../parts/Clauses'
import { Diff } from '../../parts/Diff'
import { Fold } from '../../parts/Fold'
import { Given } from '../../parts/Given'
import { Tag } from '../../parts/Mark'
import { deed } from '../../words/tools'

const MAIN = ['When', 'What it may do', 'Its limits', 'When it asks you']
const REST = ['A good run', 'Assumed', 'How it behaves', 'Also']

export function ProposalCard({ proposal }: { proposal: Proposal }) {
  const purpose = proposal.plain_words.find((clause) => clause.kind === 'purpose')?.text
  return (
    <article className="card proposal" aria-label={`Proposal: ${proposal.name}`}>
      <header className="proposal-head">
        <p className="row small">
          <Tag tone="accent">{proposal.diff ? 'Change' : 'Proposal'}</Tag>
          <Link to={`/proposals/${proposal.id}`} className="plain-link faint">
            {proposal.id}
          </Link>
        </p>
        <h2 className="wrap">{proposal.name}</h2>
        {purpose !== undefined && purpose !== proposal.name && <p className="quiet wrap">{purpose}</p>}
      </header>
      {proposal.diff && <Diff diff={proposal.diff} />}
      <Clauses clauses={proposal.plain_words} only={MAIN} />
      <DryRun preview={proposal.preview} />
      <Fold title="Everything else in the contract">
        <Clauses clauses={proposal.plain_words} only={REST} />
        <ClausesKey />
      </Fold>
      <Decision proposal={proposal} />
    </article>
  )
}

function DryRun({ preview }: { preview: Preview }) {
  if (preview.state === 'none') return null
  return (
    <section className="dry-run">
      <h3>
        <FlaskConical size={16} aria-hidden />
        {preview.state === 'ok' ? 'A dry run, just now' : 'The dry run failed'}
      </h3>
      <p className="small quiet">
        It read for real. Its effects were only written down; it would have done this:
      </p>
      {preview.error !== null && <p className="said wrap">{preview.error}</p>}
      {preview.effects.length > 0 ? (
        <ul className="dry-run-effects">
          {preview.effects.map((effect, at) => (
            <li key={at} className="wrap">
              {deed(effect.tool, effect.title)}
            </li>
          ))}
        </ul>
      ) : (
        preview.error === null && <p className="small">Nothing would happen right now.</p>
      )}
      {preview.reads.length > 0 && (
        <Fold title={`What it read (${preview.reads.length})`}>
          <ul className="small quiet">
            {preview.reads.map((read, at) => (
              <li key={at} className="wrap">
                {read}
              </li>
            ))}
          </ul>
        </Fold>
      )}
    </section>
  )
}

const SETTLED: Partial<Record<Proposal['state'], string>> = {
  accepted: 'Delegated. It is at work.',
  declined: 'Declined. Nothing was set up.',
}

function Decision({ proposal }: { proposal: Proposal }) {
  const [, go] = useLocation()
  const may = useMay('proposal_accept')
  const [confirmed, setConfirmed] = useState<string[]>([])
  const { command, give } = useCommand(
    (ask) =>
      (ask.ask === 'proposal_accept' || ask.ask === 'proposal_decline') && ask.proposal === proposal.id,
  )
  const settled = SETTLED[proposal.state]
  if (settled !== undefined) return <p className="notice">{settled}</p>
  if (isPending(command)) {
    return <Given command={command} doing={command.ask.ask === 'proposal_accept' ? 'Delegate' : 'Decline'} />
  }
  if (!may) return <p className="small quiet">This device may not accept proposals.</p>
  const open = proposal.doubts.filter((doubt) => !confirmed.includes(doubt.id))
  return (
    <div className="stack-s">
      <Given command={command} />
      <Doubts doubts={proposal.doubts} confirmed={confirmed} onChange={setConfirmed} />
      <div className="decision">
        <Button
          weight="main"
          icon={Tick}
          isDisabled={open.length > 0}
          onPress={() => give({ ask: 'proposal_accept', proposal: proposal.id, confirm: confirmed })}
        >
          Delegate
        </Button>
        <Button icon={PencilLine} onPress={() => go(`/chat?automation=${proposal.automation}`)}>
          Change…
        </Button>
        <Button icon={X} onPress={() => give({ ask: 'proposal_decline', proposal: proposal.id })}>
          Decline
        </Button>
      </div>
      {open.length > 0 && (
        <p className="small quiet">
          Confirm {open.length === 1 ? 'what is doubtful' : `the ${open.length} doubtful things`} first.
        </p>
      )}
    </div>
  )
}

function Doubts({
  doubts,
  confirmed,
  onChange,
}: {
  doubts: Doubt[]
  confirmed: string[]
  onChange: (ids: string[]) => void
}) {
  if (doubts.length === 0) return null
  return (
    <fieldset className="doubts">
      <legend>Confirm one by one</legend>
      {doubts.map((doubt) => (
        <Check
          key={doubt.id}

          isSelected={confirmed.includes(doubt.id)}
          onChange={(isOn) =>
            onChange(isOn ? [...confirmed, doubt.id] : confirmed.filter((id) => id !== doubt.id))
          }
        >
          {doubt.message}
        </Check>
      ))}
    </fieldset>
  )
}
