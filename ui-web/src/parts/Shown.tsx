/**
 * What is known of a view, in each of its states: loading, failed, empty, not known because the line
 * is away, and known but not fresh. Surfaces only say how the answer itself looks.
 */

import type { ReactNode } from 'react'
import { CloudOff, TriangleAlert } from 'lucide-react'
import type { ViewState } from '../deputy/deputy'
import { useLine } from '../deputy/hooks'
import { Ago } from './Ago'

interface Props<T> {
  view: ViewState<T>
  /** In the place of an answer that has nothing in it. */
  empty?: ReactNode
  isEmpty?: (answer: T) => boolean
  /** How many rows the skeleton has. */
  rows?: number
  children: (answer: T) => ReactNode
}

export function Shown<T>({ view, empty, isEmpty, rows = 4, children }: Props<T>) {
  const line = useLine()
  if (view.answer === null) {
    if (view.trouble !== null) return <Trouble message={view.trouble} />
    if (line.state === 'away') {
      return (
        <Blank icon={<CloudOff size={22} aria-hidden />} title="Not known yet">
          This page was never loaded while your agent was here. It will be, as soon as the agent is back.
        </Blank>
      )
    }
    return <Skeleton rows={rows} />
  }
  const isNothing = isEmpty?.(view.answer) ?? false
  return (
    <>
      {view.trouble !== null && <Trouble message={view.trouble} />}
      {!view.fresh && view.asOfMs !== null && (
        <p className="as-of tiny faint">
          As of <Ago at={view.asOfMs} />
        </p>
      )}
      {isNothing && empty !== undefined ? empty : children(view.answer)}
    </>
  )
}

export function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="skeleton-row" />
      ))}
    </div>
  )
}

export function Trouble({ message }: { message: string }) {
  return (
    <div className="trouble" role="alert">
      <TriangleAlert size={18} aria-hidden />
      <p className="wrap">{message}</p>
    </div>
  )
}

export function Blank({ icon, title, children }: { icon: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="blank">
      <span className="blank-icon">{icon}</span>
      <p className="blank-title">{title}</p>
      {children !== undefined && <div className="quiet">{children}</div>}
    </div>
  )
}
