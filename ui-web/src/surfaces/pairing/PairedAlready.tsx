/** A pairing link was opened in a browser that is paired: nothing happens unasked. */

import { Confirm } from '../../parts/Confirm'

interface Props {
  onUse: () => void
  onKeep: () => void
}

export default function PairedAlready({ onUse, onKeep }: Props) {
  return (
    <Confirm
      isOpen
      title="This browser is already paired"
      action="Pair with the link"
      onAnswer={(isYes) => {
        if (isYes) onUse()
        else onKeep()
      }}
    >
      <p>It goes on with the agent that it knows. The link that you opened was not used.</p>
      <p>
        With the link it would belong to that agent instead. The one of now keeps this browser on its list of
        devices until you revoke it there.
      </p>
    </Confirm>
  )
}
