/** One proposal, for deep links. */

import { useView } from '../../deputy/hooks'
import { Page } from '../../parts/Page'
import { Shown } from '../../parts/Shown'
import { ProposalCard } from './ProposalCard'

export default function ProposalPage({ proposal }: { proposal: string }) {
  const view = useView({ ask: 'proposal', proposal })
  return (
    <Page title="Proposal" back={{ to: '/chat', label: 'Chat' }}>
      <Shown view={view}>{(answer) => <ProposalCard proposal={answer} />}</Shown>
    </Page>
  )
}
