/** Archiving an automation: apart from its other commands, and asked for twice. */

import { useState } from 'react'
import { Archive } from 'lucide-react'
import { isPending, useCommand, useMay } from '../../deputy/hooks'
import type { Automation } from '../../deputy/types'
import { Button } from '../../parts/Button'
import { Confirm } from '../../parts/Confirm'

export function Ending({ automation }: { automation: Automation }) {
  const { id, name, state } = automation
  const [isAsking, setAsking] = useState(false)
  const may = useMay('automation_archive')
  const { command, give } = useCommand((ask) => ask.ask === 'automation_archive' && ask.automation === id)
  if (!may || state === 'archived') return null
  return (
    <div className="ending">
      <Button weight="quiet" icon={Archive} isDisabled={isPending(command)} onPress={() => setAsking(true)}>
        Archive this automation
      </Button>
      <Confirm
        isOpen={isAsking}
        title={`Archive “${name}”?`}
        action="Archive"
        onAnswer={(isYes) => {
          setAsking(false)
          if (isYes) give({ ask: 'automation_archive', automation: id })
        }}
      >
        <p>It never runs again. Its history stays. To have it back, delegate it anew.</p>
      </Confirm>
    </div>
  )
}
