/** An address that leads nowhere. */

import { Compass } from 'lucide-react'
import { ButtonLink } from '../../parts/Button'
import { Page } from '../../parts/Page'
import { Blank } from '../../parts/Shown'

export default function NotFoundPage() {
  return (
    <Page title="Nothing here">
      <Blank icon={<Compass size={22} aria-hidden />} title="This address leads nowhere">
        <ButtonLink to="/">To the start</ButtonLink>
      </Blank>
    </Page>
  )
}
