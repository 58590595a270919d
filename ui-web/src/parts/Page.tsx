/** The frame of a surface: where one is, its title, what can be done here. */

import { useEffect, type ReactNode } from 'react'
import { ArrowLeft } from 'lucide-react'
import { Link } from 'wouter'
import { useView } from '../deputy/hooks'

interface Props {
  title: string
  /** Beside the title, e.g. its state. */
  mark?: ReactNode
  lead?: ReactNode
  actions?: ReactNode
  back?: { to: string; label: string }
  isWide?: boolean
  children: ReactNode
}

export function Page({ title, mark, lead, actions, back, isWide = false, children }: Props) {
  const open = useView({ ask: 'status' }).answer?.needs_open ?? 0
  useEffect(() => {
    document.title = `${open > 0 ? `(${open}) ` : ''}${title} – Deputy`
  }, [title, open])
  return (
    <div className={`page${isWide ? ' page-wide' : ''}`}>
      <header className="page-head">
        {back && (
          <Link to={back.to} className="page-back">
            <ArrowLeft size={16} aria-hidden />
            <span className="clip">{back.label}</span>
          </Link>
        )}
        <div className="page-title">
          <h1 className="wrap">{title}</h1>
          {mark}
          {actions !== undefined && <div className="page-actions">{actions}</div>}
        </div>
        {lead !== undefined && <div className="page-lead quiet">{lead}</div>}
      </header>
      {children}
    </div>
  )
}

/** A part of a page under a heading of its own. */
export function Section({
  title,
  aside,
  children,
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
}) {
  return (
    <section className="section">
      <div className="section-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
