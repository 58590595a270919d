/** The sidebar of wide screens and the tab bar of narrow ones. */

import { Ellipsis, Search } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { useView } from '../deputy/hooks'
import { Button } from '../parts/Button'
import { LineMark } from './LineMark'
import { isAt, PLACES, type Place } from './places'

function useNeedsOpen(): number {
  return useView({ ask: 'status' }).answer?.needs_open ?? 0
}

export function Sidebar({ onSearch }: { onSearch: () => void }) {
  const [path] = useLocation()
  const open = useNeedsOpen()
  return (
    <aside className="sidebar">
      <Link to="/" className="brand">
        <img src="/icon.svg" alt="" width={28} height={28} />
        Deputy
      </Link>
      <Button icon={Search} onPress={onSearch}>
        <span className="search-word">Go to…</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </Button>
      <nav aria-label="Main">
        <ul className="sidebar-list">
          {PLACES.map((place) => (
            <li key={place.to} className={place.to === '/costs' ? 'sidebar-break' : undefined}>
              <NavLink place={place} path={path} open={open} size={18} />
            </li>
          ))}
        </ul>
      </nav>
      <LineMark />
    </aside>
  )
}

const isMac = navigator.userAgent.includes('Mac')

export function TabBar() {
  const [path] = useLocation()
  const open = useNeedsOpen()
  const isMore = path === '/more' || PLACES.some((place) => !place.isTab && isAt(path, place.to))
  return (
    <nav className="tab-bar" aria-label="Main">
      {PLACES.filter((place) => place.isTab).map((place) => (
        <NavLink key={place.to} place={place} path={path} open={open} size={21} />
      ))}
      <Link to="/more" className="nav-link" aria-current={isMore ? 'page' : undefined}>
        <span className="nav-icon">
          <Ellipsis size={21} aria-hidden />
        </span>
        More
      </Link>
    </nav>
  )
}

function NavLink({ place, path, open, size }: { place: Place; path: string; open: number; size: number }) {
  const Icon = place.icon
  const badge = place.to === '/needs' && open > 0 ? open : 0
  return (
    <Link to={place.to} className="nav-link" aria-current={isAt(path, place.to) ? 'page' : undefined}>
      <span className="nav-icon">
        <Icon size={size} aria-hidden />
      </span>
      {place.label}
      {badge > 0 && (
        <span className="badge nums">
          {badge > 99 ? '99+' : badge}
          <span className="hidden"> open</span>
        </span>
      )}
    </Link>
  )
}
