/** What belongs to this browser, and what the agent says of itself. */

import { Check, X } from 'lucide-react'
import { useDeputy, useView } from '../../deputy/hooks'
import type { Right } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Page, Section } from '../../parts/Page'
import { Segments } from '../../parts/Segments'
import { Shown } from '../../parts/Shown'
import { PLACES } from '../../shell/places'
import { setTheme, useTheme } from '../../shell/theme'
import { RIGHT } from '../machines/rights'
import { Notifications } from './Notifications'

const THEMES = [
  { id: 'system', label: 'System' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
] as const

export default function SettingsPage() {
  const theme = useTheme()
  return (
    <Page title="Settings">
      <Section title="Theme">
        <Segments label="Theme" items={THEMES} value={theme} onChange={setTheme} />
      </Section>
      <Notifications />
      <ThisDevice />
      <Agent />
      <Keys />
    </Page>
  )
}

function ThisDevice() {
  const device = useDeputy().device()
  const known = useView({ ask: 'devices' }).answer?.find((one) => one.id === device.id)
  return (
    <Section
      title="This device"
      aside={<span className="small faint">{known ? `${known.name}, ${device.id}` : device.id}</span>}
    >
      <ul className="card rights">
        {(Object.keys(RIGHT) as Right[]).map((right) => {
          const has = device.rights.includes(right)
          return (
            <li key={right} className={has ? undefined : 'faint'}>
              {has ? (
                <Check size={17} className="tone-good" role="img" aria-label="May" />
              ) : (
                <X size={17} role="img" aria-label="May not" />
              )}
              {RIGHT[right]}
            </li>
          )
        })}
        <li className="small quiet">
          No device can edit a script, read a secret or change settings of the agent.
        </li>
      </ul>
    </Section>
  )
}

function Agent() {
  const view = useView({ ask: 'status' })
  return (
    <Section title="Agent">
      <Shown view={view} rows={2}>
        {(status) => (
          <dl className="card facts">
            <div>
              <dt>Version</dt>
              <dd>{status.version}</dd>
            </div>
            <div>
              <dt>At work since</dt>
              <dd>
                <Ago at={status.started_at} />
              </dd>
            </div>
            <div>
              <dt>Model</dt>
              <dd>{status.model ? 'Set up' : 'None: only simple errands can be planned'}</dd>
            </div>
            <div>
              <dt>Data</dt>
              <dd className="mono wrap">{status.home}</dd>
            </div>
          </dl>
        )}
      </Shown>
    </Section>
  )
}

function Keys() {
  return (
    <Section title="Keyboard">
      <dl className="card keys">
        <div>
          <dt>Go to, run, show</dt>
          <dd>
            <kbd>Ctrl</kbd> <kbd>K</kbd>
          </dd>
        </div>
        <div>
          <dt>Delegate</dt>
          <dd>
            <kbd>/</kbd>
          </dd>
        </div>
        {PLACES.map((place) => (
          <div key={place.to}>
            <dt>{place.label}</dt>
            <dd>
              <kbd>g</kbd> <kbd>{place.key}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}
