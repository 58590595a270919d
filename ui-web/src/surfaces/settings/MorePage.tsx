/** On phones: the places that have no tab. */

import { ChevronRight } from 'lucide-react'
import { Link } from 'wouter'
import { Page } from '../../parts/Page'
import { PLACES } from '../../shell/places'

export default function MorePage() {
  return (
    <Page title="More">
      <ul className="list">
        {PLACES.filter((place) => !place.isTab).map(({ to, label, icon: Icon }) => (
          <li key={to}>
            <Link to={to} className="list-row">
              <Icon size={19} aria-hidden className="quiet" />
              <span className="list-main">{label}</span>
              <ChevronRight size={17} aria-hidden className="faint" />
            </Link>
          </li>
        ))}
      </ul>
    </Page>
  )
}
