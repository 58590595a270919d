/** Which of many rows of one height are on the screen, while the page scrolls. */

import { useLayoutEffect, useState, type RefObject } from 'react'

/** Rows beyond each edge that are there already when they come into sight. */
const SPARE = 12

export interface Range {
  from: number
  to: number
}

/** The rows in sight: those of a list that begins `above` pixels over the screen's top. */
export function rowsInSight(above: number, screen: number, row: number, count: number): Range {
  const from = Math.max(0, Math.floor(above / row) - SPARE)
  const to = Math.min(count, Math.ceil((above + screen) / row) + SPARE)
  return { from: Math.min(from, count), to: Math.max(to, 0) }
}

export function useVisible(list: RefObject<HTMLElement | null>, count: number, row: number): Range {
  const [range, setRange] = useState<Range>({ from: 0, to: Math.min(count, 40) })
  useLayoutEffect(() => {
    const look = () => {
      if (!list.current) return
      const next = rowsInSight(-list.current.getBoundingClientRect().top, innerHeight, row, count)
      setRange((now) => (now.from === next.from && now.to === next.to ? now : next))
    }
    look()
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', look)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', look)
    }
  }, [list, count, row])
  return range
}
