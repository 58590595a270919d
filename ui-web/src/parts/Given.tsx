/**
 * How a command stands, honestly: not sent yet (and can be taken back), sent, refused, or nobody
 * knows. Nothing is shown once it was applied; what it led to shows itself.
 */

import { CloudOff, Loader, TriangleAlert, Undo2, X } from 'lucide-react'
import type { Command } from '../deputy/deputy'
import { useDeputy } from '../deputy/hooks'
import { Button } from './Button'

export function Given({ command, doing }: { command: Command | null; doing?: string }) {
  const deputy = useDeputy()
  if (!command || command.state === 'applied') return null
  if (command.state === 'waiting') {
    return (
      <div className="given" role="status">
        <CloudOff size={16} aria-hidden />
        <p>
          {doing !== undefined && <strong>{doing}. </strong>}
          Not sent yet.
        </p>
        <Button isSmall icon={Undo2} onPress={() => deputy.withdraw(command.id)}>
          Undo
        </Button>
      </div>
    )
  }
  if (command.state === 'sent') {
    return (
      <div className="given" role="status">
        <Loader size={16} aria-hidden className="spin" />
        <p>
          {doing !== undefined && <strong>{doing}. </strong>}
          Sent; your agent is at it.
        </p>
      </div>
    )
  }
  const { message, hint } = command.error
  return (
    <div className="given tone-bad" role="alert">
      <TriangleAlert size={16} aria-hidden />
      <div className="wrap">
        <p>{command.state === 'unknown' ? `It is not known whether this was done: ${message}` : message}</p>
        {hint && <p className="small quiet">{hint}</p>}
      </div>
      <Button
        isSmall
        weight="quiet"
        icon={X}
        aria-label="Dismiss"
        onPress={() => deputy.forget(command.id)}
      />
    </div>
  )
}
