/**
 * A long history, a page at a time: the newest page is kept fresh by the agent, older ones are asked
 * for once, when they come into sight, and what happens to a run of theirs is asked for by itself.
 */

import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { ViewState } from '../../deputy/deputy'
import { useDeputy, useView } from '../../deputy/hooks'
import type { Run, RunState } from '../../deputy/types'

/** How many runs are asked for at a time. */
const PAGE = 200

export interface Filter {
  automation?: string
  state?: RunState
}

/** All runs that were listed when a page was added last, and whether there are more before them. */
interface Listed {
  runs: Run[]
  isAll: boolean
}

const NONE: Listed = { runs: [], isAll: false }

/**
 * The newest runs, then those of an earlier list that are older. When the newest have moved on so far
 * that the two do not meet, only the newest: there may be runs in between.
 */
export function joined(newest: Run[], listed: Run[]): Run[] {
  const last = newest.at(-1)
  const meets = last ? listed.findIndex((run) => run.id === last.id) : -1
  return meets < 0 ? newest : [...newest, ...listed.slice(meets + 1)]
}

/** The runs of a filter, and how to have more of them; null when there are no more. */
export function useRuns(filter: Filter): { view: ViewState<Run[]>; more: (() => void) | null } {
  const deputy = useDeputy()
  const view = useView({ ask: 'runs', limit: PAGE, ...filter })
  const of = JSON.stringify(filter)
  const [kept, setKept] = useState<{ of: string } & Listed>({ of, runs: [], isAll: false })
  const listed = kept.of === of ? kept : NONE
  const newest = view.answer
  const runs = useMemo(() => (newest ? joined(newest, listed.runs) : null), [newest, listed])
  const last = runs?.at(-1)?.id
  const isAll = (newest?.length ?? 0) < PAGE || (listed.isAll && listed.runs.at(-1)?.id === last)

  const isAsking = useRef(false)
  const more = useCallback(() => {
    if (last === undefined || runs === null || isAsking.current) return
    isAsking.current = true
    const asked = JSON.parse(of) as Filter
    deputy
      .ask({ ask: 'runs', limit: PAGE, before: last, ...asked })
      .then((found) => setKept({ of, runs: [...runs, ...found], isAll: found.length < PAGE }))
      // Without a line nothing older is to be had; the strip says so, and scrolling on asks again.
      .catch(() => undefined)
      .finally(() => {
        isAsking.current = false
      })
  }, [deputy, last, of, runs])

  useEffect(
    () =>
      deputy.onEvent(({ run: id }) => {
        if (id === null || !listed.runs.some((run) => run.id === id)) return
        const { state } = JSON.parse(of) as Filter
        deputy
          .ask({ ask: 'run', run: id })
          .then((found) => {
            const isListed = state === undefined || found.state === state
            setKept((now) => ({
              ...now,
              runs: now.runs.flatMap((run) => (run.id !== id ? [run] : isListed ? [found] : [])),
            }))
          })
          .catch(() => undefined)
      }),
    [deputy, listed, of],
  )
  return { view: runs ? { ...view, answer: runs } : view, more: isAll ? null : more }
}
