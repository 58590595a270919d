/** What was said from here and is not in the chat yet, or was refused. */

import { PencilLine, X } from 'lucide-react'
import type { Command } from '../../deputy/deputy'
import { useCommands, useDeputy } from '../../deputy/hooks'
import { Button } from '../../parts/Button'
import { Given } from '../../parts/Given'
import { sentence } from '../../words/json'

export function Said({ automation, onEdit }: { automation: string | null; onEdit: (text: string) => void }) {
  const said = useCommands().filter(
    (command) =>
      command.ask.ask === 'say' &&
      command.state !== 'applied' &&
      (automation === null || command.ask.automation === automation),
  )
  return said.map((command) => <OneSaid key={command.id} command={command} onEdit={onEdit} />)
}

function OneSaid({ command, onEdit }: { command: Command; onEdit: (text: string) => void }) {
  const deputy = useDeputy()
  if (command.ask.ask !== 'say') return null
  const { text } = command.ask
  if (command.state !== 'refused' && command.state !== 'unknown') {
    return (
      <>
        <p className="bubble wrap">{text}</p>
        <Given command={command} />
      </>
    )
  }
  const { message, hint } = command.error
  return (
    <>
      <p className="bubble wrap">{text}</p>
      <div className="reply" role="status">
        <p className="wrap">{sentence(message)}</p>
        {hint && <p className="small quiet wrap">{sentence(hint)}</p>}
        <div className="row">
          <Button
            isSmall
            icon={PencilLine}
            onPress={() => {
              onEdit(text)
              deputy.forget(command.id)
            }}
          >
            Say it differently
          </Button>
          <Button isSmall weight="quiet" icon={X} onPress={() => deputy.forget(command.id)}>
            Dismiss
          </Button>
        </div>
      </div>
    </>
  )
}
