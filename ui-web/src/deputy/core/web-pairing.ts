// How this browser becomes one of the user's devices.

import { forgetPushes } from '../../push/push'
import { WebPairing } from '../../../core/core'
import { Driver } from './driver'
import type { Store } from './store'

/** Where a pairing stands. */
export type PairingState =
  | { state: 'connecting' }
  | { state: 'compare'; phrase: string }
  | { state: 'paired' }
  | { state: 'failed'; message: string }

/** A pairing under way. */
export class PairingUnderWay {
  private readonly driver: Driver
  private stateText = ''

  private constructor(
    private readonly pairing: WebPairing,
    private readonly store: Store,
    private readonly changed: (state: PairingState) => void,
  ) {
    this.driver = new Driver(pairing, {
      keep: () => Promise.resolve(),
      tell: () => undefined,
      moved: () => {
        void this.moved()
      },
    })
  }

  /** Begins with a link, under the name by which the person knows this browser. Throws what is wrong
   * with the link. */
  static begin(
    link: string,
    name: string,
    store: Store,
    changed: (state: PairingState) => void,
  ): PairingUnderWay {
    const pairing = new WebPairing(link, name, performance.now(), Date.now())
    const underWay = new PairingUnderWay(pairing, store, changed)
    underWay.driver.move()
    return underWay
  }

  /** Gives it up. */
  cancel(): void {
    this.driver.say(() => {
      this.pairing.cancel()
    })
    this.driver.end()
  }

  private async moved(): Promise<void> {
    const text = this.pairing.state()
    if (text === this.stateText) return
    this.stateText = text
    const state = JSON.parse(text) as PairingState
    const device = this.pairing.device()
    if (state.state === 'paired' && device !== undefined) {
      // What was kept for another pairing is of no use to this one.
      await this.store.clear()
      forgetPushes()
      await this.store.keepDevice(device)
    }
    this.changed(state)
  }
}
