/** A question before something that cannot be taken back. */

import type { ReactNode } from 'react'
import { Dialog } from 'react-aria-components/Dialog'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { Button } from './Button'

interface Props {
  isOpen: boolean
  title: string
  /** What the button does, e.g. `Archive`. */
  action: string
  onAnswer: (isYes: boolean) => void
  children: ReactNode
}

export function Confirm({ isOpen, title, action, onAnswer, children }: Props) {
  return (
    <ModalOverlay
      className="veil"
      isOpen={isOpen}
      isDismissable
      onOpenChange={(open) => !open && onAnswer(false)}
    >
      <Modal className="modal modal-small">
        <Dialog role="alertdialog" className="dialog">
          <Heading slot="title">{title}</Heading>
          <div className="quiet">{children}</div>
          <div className="dialog-actions">
            <Button onPress={() => onAnswer(false)}>Cancel</Button>
            <Button weight="main" onPress={() => onAnswer(true)}>
              {action}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
