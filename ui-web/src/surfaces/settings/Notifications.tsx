/** Whether this browser is told of what needs its person while the page is closed, and when not. */

import { useState } from 'react'
import { BellRing } from 'lucide-react'
import { useDeputy, useLine, useView } from '../../deputy/hooks'
import type { Quiet } from '../../deputy/types'
import { Button } from '../../parts/Button'
import { Check } from '../../parts/Check'
import { Section } from '../../parts/Page'
import { isOn, support, turnOff, turnOn } from '../../push/push'
import { Reached } from './Reached'

const NIGHT = { from: '22:00', to: '07:00' }

export function Notifications() {
  const deputy = useDeputy()
  const isOpen = useLine().state === 'open'
  const mine = useView({ ask: 'devices' }).answer?.find((one) => one.id === deputy.device().id)
  const [isBusy, setBusy] = useState(false)
  const [said, setSaid] = useState<{ tone: 'good' | 'bad'; text: string } | null>(null)
  const push = isOn() ? mine?.push : undefined
  const act = (done: string | null, what: () => Promise<unknown>) => {
    setBusy(true)
    setSaid(null)
    what()
      .then(() => done && setSaid({ tone: 'good', text: done }))
      .catch((error: unknown) => setSaid({ tone: 'bad', text: words(error) }))
      .finally(() => setBusy(false))
  }
  const isDisabled = isBusy || !isOpen
  const can = support()
  return (
    <Section title="Notifications">
      <div className="card stack">
        <p className="quiet">
          {push
            ? 'What needs you is told here, also while this page is closed. Each thing once.'
            : 'Be told of what needs you while this page is closed. What is said is sealed for this browser; its push service sees only that something came.'}
        </p>
        {can === 'none' && (
          <p className="small quiet">
            This browser cannot. On an iPhone, add the page to the home screen first and open it from there.
          </p>
        )}
        {can === 'blocked' && (
          <p className="small quiet">
            This browser blocks it. Allow notifications in its settings for this page, and come back.
          </p>
        )}
        {can === 'possible' && !push && (
          <div>
            <Button
              weight="main"
              icon={BellRing}
              isDisabled={isDisabled}
              onPress={() => act(null, () => turnOn(deputy))}
            >
              Turn on here
            </Button>
          </div>
        )}
        {push && (
          <>
            <Reached push={push} />
            <QuietHours
              key={JSON.stringify(push.quiet)}
              quiet={push.quiet}
              isDisabled={isDisabled}
              onChange={(quiet) => act('Kept.', () => turnOn(deputy, quiet))}
            />
            <div className="row">
              <Button
                isDisabled={isDisabled}
                onPress={() => act('On its way.', () => deputy.ask({ ask: 'push_test' }))}
              >
                Send a test
              </Button>
              <Button weight="quiet" isDisabled={isDisabled} onPress={() => act(null, () => turnOff(deputy))}>
                Turn off here
              </Button>
            </div>
          </>
        )}
        <p className={`small tone-${said?.tone ?? 'calm'}`} role="status" hidden={!said}>
          {said?.text}
        </p>
      </div>
    </Section>
  )
}

function words(error: unknown): string {
  if (
    typeof error === 'object' &&
    error !== null &&
    'message' in error &&
    typeof error.message === 'string'
  ) {
    return error.message
  }
  return 'That did not work.'
}

interface QuietProps {
  quiet: Quiet | undefined
  isDisabled: boolean
  onChange: (quiet: Quiet | undefined) => void
}

function QuietHours({ quiet, isDisabled, onChange }: QuietProps) {
  const [hours, setHours] = useState(quiet ?? NIGHT)
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  const keep = (next: { from: string; to: string }) => {
    setHours(next)
    if (next.from && next.to) onChange({ from: next.from, to: next.to, timezone: timeZone })
  }
  return (
    <div className="stack-s">
      <Check
        isSelected={quiet !== undefined}
        isDisabled={isDisabled}
        onChange={(wanted) => (wanted ? keep(hours) : onChange(undefined))}
      >
        Quiet hours: what comes then is told when they end
      </Check>
      {quiet && (
        <div className="row">
          <label className="time">
            From{' '}
            <input
              type="time"
              value={hours.from}
              onChange={(event) => setHours({ ...hours, from: event.target.value })}
              onBlur={() => hours.from !== quiet.from && keep(hours)}
            />
          </label>
          <label className="time">
            to{' '}
            <input
              type="time"
              value={hours.to}
              onChange={(event) => setHours({ ...hours, to: event.target.value })}
              onBlur={() => hours.to !== quiet.to && keep(hours)}
            />
          </label>
          <span className="small quiet">{quiet.timezone}</span>
        </div>
      )}
    </div>
  )
}
