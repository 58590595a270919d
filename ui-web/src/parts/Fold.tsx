/** Something to unfold. */

import type { ReactNode } from 'react'
import { ChevronRight } from 'lucide-react'
import { Button } from 'react-aria-components/Button'
import { Disclosure, DisclosurePanel } from 'react-aria-components/Disclosure'

export function Fold({
  title,
  isOpen = false,
  children,
}: {
  title: ReactNode
  isOpen?: boolean
  children: ReactNode
}) {
  return (
    <Disclosure className="fold" defaultExpanded={isOpen}>
      <Button slot="trigger" className="fold-button">
        <ChevronRight size={16} aria-hidden className="fold-chevron" />
        {title}
      </Button>
      <DisclosurePanel className="fold-panel">{children}</DisclosurePanel>
    </Disclosure>
  )
}
