/** What is done on the agent's machine only, with the commands for it. */

import type { ReactNode } from 'react'
import { SquareTerminal } from 'lucide-react'

interface Props {
  title: string
  lines: { command: string; does: string }[]
  children: ReactNode
}

export function AtTheAgent({ title, lines, children }: Props) {
  return (
    <section className="at-agent">
      <h2>
        <SquareTerminal size={18} aria-hidden />
        {title}
      </h2>
      <p className="small quiet">On the agent’s machine:</p>
      <dl className="commands">
        {lines.map(({ command, does }) => (
          <div key={command}>
            <dt>
              <code className="shell">{command}</code>
            </dt>
            <dd className="small quiet">{does}</dd>
          </div>
        ))}
      </dl>
      <p className="small quiet">{children}</p>
    </section>
  )
}
