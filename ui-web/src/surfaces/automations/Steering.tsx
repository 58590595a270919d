/** What can be done with an automation from here: run, pause, resume, change by words. */

import { CirclePause, CirclePlay, PencilLine, Play } from 'lucide-react'
import { useLocation } from 'wouter'
import type { Ask } from '../../deputy/deputy'
import { isPending, useCommand, useMay } from '../../deputy/hooks'
import type { Automation } from '../../deputy/types'
import { Button } from '../../parts/Button'
import { Given } from '../../parts/Given'

const DOING: Partial<Record<Ask['ask'], string>> = {
  automation_run: 'Run now',
  automation_pause: 'Pause',
  automation_resume: 'Resume',
  automation_archive: 'Archive',
}

export function Steering({ automation }: { automation: Automation }) {
  const { id, state } = automation
  const [, go] = useLocation()
  const may = useMay('automation_run')
  const maySay = useMay('say')
  const { command, give } = useCommand(
    (ask) => ask.ask in DOING && 'automation' in ask && ask.automation === id,
  )
  if (state === 'archived')
    return <p className="notice">Archived: kept for its history, and never runs again.</p>
  const isBusy = isPending(command)
  return (
    <div className="stack-s">
      <div className="row">
        {may && state !== 'draft' && (
          <>
            <Button
              weight="main"
              icon={Play}
              isDisabled={isBusy}
              onPress={() => give({ ask: 'automation_run', automation: id })}
            >
              Run now
            </Button>
            {state === 'active' ? (
              <Button
                icon={CirclePause}
                isDisabled={isBusy}
                onPress={() => give({ ask: 'automation_pause', automation: id })}
              >
                Pause
              </Button>
            ) : (
              <Button
                icon={CirclePlay}
                isDisabled={isBusy}
                onPress={() => give({ ask: 'automation_resume', automation: id })}
              >
                Resume
              </Button>
            )}
          </>
        )}
        {maySay && (
          <Button icon={PencilLine} onPress={() => go(`/chat?automation=${id}`)}>
            Change…
          </Button>
        )}
      </div>
      {state === 'paused' && automation.paused_because !== null && (
        <p className="notice wrap">
          {automation.paused_because === 'paused by the user'
            ? 'Paused by you.'
            : `Paused: ${automation.paused_because}`}
        </p>
      )}
      {state === 'draft' && (
        <p className="notice">Proposed, and not delegated yet. Accept or decline it in the chat.</p>
      )}
      <Given command={command} doing={command ? DOING[command.ask.ask] : undefined} />
    </div>
  )
}
