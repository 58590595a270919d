/** The history of all runs. */

import { Page } from '../../parts/Page'
import { RunList } from './RunList'

export default function RunsPage() {
  return (
    <Page title="Runs" isWide>
      <RunList />
    </Page>
  )
}
