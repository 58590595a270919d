/** The agent's connections: whether each works. They are made on the agent's machine only. */

import { CheckCircle2, CircleDashed, KeyRound, Plug, XCircle } from 'lucide-react'
import { useView } from '../../deputy/hooks'
import type { ConnectionInfo } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Fold } from '../../parts/Fold'
import { JsonTree } from '../../parts/JsonTree'
import { Mark } from '../../parts/Mark'
import { Page } from '../../parts/Page'
import { Blank, Shown } from '../../parts/Shown'
import { CONNECTION } from '../../words/states'
import { AtTheAgent } from './AtTheAgent'

const ICON: Record<ConnectionInfo['state'], typeof Plug> = {
  ok: CheckCircle2,
  unchecked: CircleDashed,
  failing: XCircle,
  auth: KeyRound,
  revoked: XCircle,
}

export default function ConnectionsPage() {
  const view = useView({ ask: 'connections' })
  return (
    <Page
      title="Connections"
      lead="The accounts and servers that automations may go through. Their secrets stay in the agent’s vault."
    >
      <Shown
        view={view}
        isEmpty={(all) => all.length === 0}
        empty={
          <Blank icon={<Plug size={22} aria-hidden />} title="No connections">
            Nothing is connected yet.
          </Blank>
        }
      >
        {(all) => (
          <div className="stack">
            {all.map((one) => (
              <article key={one.id} className="card stack-s">
                <div className="row">
                  <h2>{one.name}</h2>
                  <span className="faint small">{one.kind}</span>
                  <span className="push">
                    <Mark said={CONNECTION[one.state]} icon={ICON[one.state]} />
                  </span>
                </div>
                {one.message !== null && <p className="wrap">{one.message}</p>}
                <p className="small faint">
                  {one.checked_at ? (
                    <>
                      Last checked <Ago at={one.checked_at} />
                    </>
                  ) : (
                    'Never checked'
                  )}
                </p>
                <Fold title="Settings">
                  <JsonTree value={one.config} label="Settings" />
                </Fold>
              </article>
            ))}
          </div>
        )}
      </Shown>
      <AtTheAgent
        title="To connect something, or to renew a secret"
        lines={[
          { command: 'deputy connect mail --help', does: 'says what a mailbox needs' },
          { command: 'deputy connect calendar --help', does: 'calendars, by CalDAV' },
          { command: 'deputy connect http --help', does: 'a web service with an API' },
          { command: 'deputy connection sign-in NAME', does: 'signs in where a provider asks for it' },
          { command: 'deputy connection check NAME', does: 'tries one for real' },
        ]}
      >
        This page can see connections, and cannot make or change them: secrets never pass through it.
      </AtTheAgent>
    </Page>
  )
}
