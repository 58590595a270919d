import type { PushState } from '../../deputy/types'
import { Ago } from '../../parts/Ago'

/** How it goes: what a person can see of whether they would be told. */
export function Reached({ push }: { push: PushState }) {
  if (push.not_reached_since !== null) {
    return (
      <p className="small tone-bad">
        Not reached since <Ago at={push.not_reached_since} />
        {push.trouble ? `: ${push.trouble}.` : '.'}
      </p>
    )
  }
  return (
    <p className="small quiet">
      By {push.service}
      {push.reached_at === null ? (
        '; nothing was sent yet.'
      ) : (
        <>
          , last reached <Ago at={push.reached_at} />.
        </>
      )}
    </p>
  )
}
