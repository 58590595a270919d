/**
 * How a browser becomes a device: the screens before there is an agent to speak with, and those for
 * when it does not know this device any more. They only show a state and say what was chosen.
 */

import { useState, type ReactNode } from 'react'
import { CircleAlert, Link2, Loader, MonitorSmartphone, RefreshCw, ShieldCheck } from 'lucide-react'
import { Input } from 'react-aria-components/Input'
import { Label } from 'react-aria-components/Label'
import { TextField } from 'react-aria-components/TextField'
import { Button } from '../../parts/Button'

export type FirstRunState =
  | { state: 'no_link' }
  | { state: 'connecting' }
  | { state: 'compare'; phrase: string }
  | { state: 'failed'; message: string }
  | { state: 'not_known' }
  | { state: 'other_version' }

interface Props {
  state: FirstRunState
  /** A pairing link was entered, and the name under which this browser is to be known. */
  onPair?: (link: string, name: string) => void
  /** Begin again, after it failed or the device was revoked. */
  onAgain?: () => void
  onCancel?: () => void
}

export function FirstRun({ state, onPair, onAgain, onCancel }: Props) {
  return (
    <main className="first">
      <div className="first-card">
        <p className="brand first-brand">
          <img src="/icon.svg" alt="" width={32} height={32} />
          Deputy
        </p>
        <Screen state={state} onPair={onPair} onAgain={onAgain} onCancel={onCancel} />
      </div>
      <p className="first-foot small faint">
        <ShieldCheck size={15} aria-hidden />
        Sealed from this browser to your agent. Nothing in between can read it.
      </p>
    </main>
  )
}

function Screen({ state, onPair, onAgain, onCancel }: Props) {
  switch (state.state) {
    case 'no_link':
      return (
        <Say icon={<Link2 size={24} aria-hidden />} title="Pair this browser">
          <p>
            Your agent runs on a machine of yours. This page is its remote: it sees what happens and says what
            you decide, and never holds your secrets.
          </p>
          <ol className="first-steps">
            <li>
              On that machine, start the agent: <Shell>deputy up</Shell>
            </li>
            <li>
              Ask it for a link: <Shell>deputy pair</Shell>
            </li>
            <li>Open the link here, or paste it below. It is good once, for five minutes.</li>
          </ol>
          {onPair && <LinkForm onPair={onPair} />}
        </Say>
      )
    case 'connecting':
      return (
        <Say icon={<Loader size={24} aria-hidden className="spin" />} title="Looking for your agent">
          <p role="status">This takes a moment. Keep the machine with the agent awake.</p>
          {onCancel && <Button onPress={onCancel}>Cancel</Button>}
        </Say>
      )
    case 'compare':
      return (
        <Say icon={<ShieldCheck size={24} aria-hidden />} title="Are these the same words?">
          <p>The agent must show the same words. Look there, and say so there.</p>
          <p className="phrase" aria-label="Phrase">
            {state.phrase.split(/[\s-]+/).map((word, at) => (
              <span key={at}>{word}</span>
            ))}
          </p>
          <p className="small quiet">
            If they differ, somebody else has used the link. Say so there, and nobody is let in.
          </p>
          {onCancel && <Button onPress={onCancel}>Cancel</Button>}
        </Say>
      )
    case 'failed':
      return (
        <Say icon={<CircleAlert size={24} aria-hidden />} title="That did not work">
          <p role="alert" className="wrap">
            {state.message}
          </p>
          <p className="small quiet">
            A link is good once and for a few minutes. Ask the agent for another: <Shell>deputy pair</Shell>
          </p>
          {onAgain && (
            <Button weight="main" icon={RefreshCw} onPress={onAgain}>
              Begin again
            </Button>
          )}
        </Say>
      )
    case 'not_known':
      return (
        <Say
          icon={<MonitorSmartphone size={24} aria-hidden />}
          title="Your agent does not know this browser any more"
        >
          <p>It was revoked, or the agent has lost its key. Nothing that you delegated is affected.</p>
          <p>
            To use this page again, pair it anew. On the agent’s machine: <Shell>deputy pair</Shell>
          </p>
          {onAgain && (
            <Button weight="main" onPress={onAgain}>
              Pair again
            </Button>
          )}
        </Say>
      )
    case 'other_version':
      return (
        <Say icon={<RefreshCw size={24} aria-hidden />} title="This page and your agent differ in version">
          <p>They do not understand each other. Your automations go on as they are.</p>
          <p>Reload this page. If that does not help, update the agent on its machine.</p>
          <Button weight="main" icon={RefreshCw} onPress={() => location.reload()}>
            Reload
          </Button>
        </Say>
      )
  }
}

function Say({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <div className="first-say">
      <span className="blank-icon">{icon}</span>
      <h1>{title}</h1>
      {children}
    </div>
  )
}

function Shell({ children }: { children: string }) {
  return <code className="shell">{children}</code>
}

function LinkForm({ onPair }: { onPair: (link: string, name: string) => void }) {
  const [link, setLink] = useState('')
  const [name, setName] = useState('')
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (link.trim()) onPair(link.trim(), name.trim())
      }}
    >
      <TextField className="field" value={link} onChange={setLink}>
        <Label>Link</Label>
        <Input className="input" autoComplete="off" spellCheck="false" />
      </TextField>
      <TextField className="field" value={name} onChange={setName}>
        <Label>Name of this browser</Label>
        <Input className="input" placeholder="e.g. Phone" autoComplete="off" />
      </TextField>
      <Button weight="main" type="submit" isDisabled={!link.trim()}>
        Pair
      </Button>
    </form>
  )
}
