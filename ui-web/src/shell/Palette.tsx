/** The command palette: every place, automation and the usual commands, by typing. */

import { CornerDownLeft, Search } from 'lucide-react'
import { Autocomplete, useFilter } from 'react-aria-components/Autocomplete'
import { Dialog } from 'react-aria-components/Dialog'
import { Input } from 'react-aria-components/Input'
import { Header } from 'react-aria-components/Header'
import { Menu, MenuItem, MenuSection } from 'react-aria-components/Menu'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { TextField } from 'react-aria-components/TextField'
import { useLocation } from 'wouter'
import { useDeputy, useMay, useView } from '../deputy/hooks'
import { PLACES } from './places'
import { setTheme } from './theme'

interface Deed {
  id: string
  label: string
  aside?: string
  act: () => void
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation()
  const deputy = useDeputy()
  const mayRun = useMay('automation_run')
  const automations = useView({ ask: 'automations' }).answer ?? []
  const needs = useView({ ask: 'needs' }).answer ?? []
  const { contains } = useFilter({ sensitivity: 'base' })
  const act = (deed: () => void) => () => {
    onClose()
    deed()
  }
  const groups: { title: string; deeds: Deed[] }[] = [
    {
      title: 'Go to',
      deeds: PLACES.map((place) => ({
        id: place.to,
        label: place.label,
        aside: `g ${place.key}`,
        act: () => go(place.to),
      })),
    },
    {
      title: 'Needs you',
      deeds: needs.map((need) => ({
        id: need.id,
        label: need.title,
        aside: need.id,
        act: () => go(`/needs/${need.id}`),
      })),
    },
    {
      title: 'Automations',
      deeds: automations.map((one) => ({
        id: one.id,
        label: one.name,
        aside: one.id,
        act: () => go(`/automations/${one.id}`),
      })),
    },
    {
      title: 'Do',
      deeds: [
        { id: 'delegate', label: 'Delegate an errand', act: () => go('/chat') },
        ...automations
          .filter((one) => mayRun && one.state === 'active')
          .map((one) => ({
            id: `run-${one.id}`,
            label: `Run “${one.name}” now`,
            aside: one.id,
            act: () => {
              deputy.command({ ask: 'automation_run', automation: one.id })
              go(`/automations/${one.id}`)
            },
          })),
        { id: 'light', label: 'Light theme', act: () => setTheme('light') },
        { id: 'dark', label: 'Dark theme', act: () => setTheme('dark') },
        { id: 'system', label: 'Theme of the system', act: () => setTheme('system') },
      ],
    },
  ]
  return (
    <ModalOverlay className="veil veil-top" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className="modal">
        <Dialog className="palette" aria-label="Go to">
          <Autocomplete filter={contains}>
            {/* The palette is opened in order to type. */}
            {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
            <TextField aria-label="Search" className="palette-field" autoFocus>
              <Search size={18} aria-hidden />
              <Input placeholder="Go to, run, show…" className="palette-input" />
            </TextField>
            {/* What scrolls can be reached by keyboard, although the menu keeps the focus in the field. */}
            {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <div className="palette-list" role="region" aria-label="Results" tabIndex={0}>
              <Menu
                aria-label="Results"
                renderEmptyState={() => <p className="palette-none quiet">Nothing of that name.</p>}
              >
                {groups
                  .filter((group) => group.deeds.length > 0)
                  .map((group) => (
                    <MenuSection key={group.title}>
                      <Header className="palette-title">{group.title}</Header>
                      {group.deeds.map((deed) => (
                        <MenuItem
                          key={deed.id}
                          id={deed.id}
                          textValue={deed.label}
                          className="palette-item"
                          onAction={act(deed.act)}
                        >
                          <span className="clip">{deed.label}</span>
                          {deed.aside !== undefined && <kbd>{deed.aside}</kbd>}
                          <CornerDownLeft size={14} aria-hidden className="palette-enter" />
                        </MenuItem>
                      ))}
                    </MenuSection>
                  ))}
              </Menu>
            </div>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
