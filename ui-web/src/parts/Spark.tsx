/** The latest runs as bars: height is time at work, the mark below says how it ended. */

import type { Run } from '../deputy/types'
import { RUN } from '../words/states'
import { duration } from '../words/time'

const WIDTH = 7
const HEIGHT = 26
const MOST = 20

export function Spark({ runs }: { runs: Run[] }) {
  const shown = runs.slice(0, MOST).reverse()
  const longest = Math.max(1, ...shown.map((run) => Math.log1p(run.duration_ms)))
  const failed = shown.filter((run) => run.state === 'failed').length
  const label = `The latest ${shown.length} runs, ${failed} of them failed`
  return (
    <svg width={shown.length * WIDTH} height={HEIGHT} role="img" aria-label={label} className="spark">
      {shown.map((run, at) => {
        const height = 3 + (Math.log1p(run.duration_ms) / longest) * (HEIGHT - 9)
        return (
          <g key={run.id} className={`tone-${RUN[run.state].tone}`}>
            <title>{`${run.id}: ${RUN[run.state].word}, ${duration(run.duration_ms)}`}</title>
            <rect
              x={at * WIDTH}
              y={HEIGHT - 5 - height}
              width={WIDTH - 3}
              height={height}
              rx={1.5}
              fill="currentColor"
            />
            {run.state === 'failed' && (
              <rect x={at * WIDTH} y={HEIGHT - 3} width={WIDTH - 3} height={3} fill="currentColor" />
            )}
          </g>
        )
      })}
    </svg>
  )
}
