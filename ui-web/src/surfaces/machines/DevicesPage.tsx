/** The devices that may ask from afar, with what each may do. */

import { Ban, CircleDot, MonitorSmartphone, Moon } from 'lucide-react'
import { useDeputy, useView } from '../../deputy/hooks'
import type { Device } from '../../deputy/types'
import { Ago } from '../../parts/Ago'
import { Mark, Tag } from '../../parts/Mark'
import { Page } from '../../parts/Page'
import { Blank, Shown } from '../../parts/Shown'
import { AtTheAgent } from './AtTheAgent'
import { Reached } from '../settings/Reached'
import { rightsWords } from './rights'

export default function DevicesPage() {
  const view = useView({ ask: 'devices' })
  return (
    <Page title="Devices" lead="Who else may look at your agent, and act.">
      <Shown
        view={view}
        isEmpty={(all) => all.length === 0}
        empty={
          <Blank icon={<MonitorSmartphone size={22} aria-hidden />} title="No devices">
            None is paired.
          </Blank>
        }
      >
        {(all) => (
          <ul className="list">
            {all.map((device) => (
              <li key={device.id}>
                <Row device={device} />
              </li>
            ))}
          </ul>
        )}
      </Shown>
      <AtTheAgent
        title="To let a device in, or to end one"
        lines={[
          { command: 'deputy pair', does: 'shows a link that is good once' },
          { command: 'deputy pair --rights view', does: 'for a device that may only look' },
          {
            command: 'deputy device revoke d1',
            does: 'ends a device at once, in the middle of what it does',
          },
        ]}
      >
        No device can let another in, or end one. A lost phone cannot either.
      </AtTheAgent>
    </Page>
  )
}

function Row({ device }: { device: Device }) {
  const mine = useDeputy().device().id
  return (
    <div className="list-row">
      <span className="list-main">
        <span className="row">
          <span className="wrap">{device.name}</span>
          <span className="mono faint">{device.id}</span>
          {device.id === mine && <Tag tone="accent">This one</Tag>}
        </span>
        <span className="small quiet">
          {rightsWords(device.rights)} · paired <Ago at={device.created_at} />
        </span>
        {device.push && <Reached push={device.push} />}
      </span>
      {device.revoked_at !== null ? (
        <Mark said={{ word: 'Revoked', tone: 'calm' }} icon={Ban} />
      ) : device.is_here ? (
        <Mark said={{ word: 'Here now', tone: 'good' }} icon={CircleDot} />
      ) : (
        <Mark said={{ word: 'Not here', tone: 'calm' }} icon={Moon} />
      )}
    </div>
  )
}
