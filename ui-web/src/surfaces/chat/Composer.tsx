/** Where one says what should happen. Enter sends, Shift and Enter begin a line. */

import { useEffect, useRef } from 'react'
import { ArrowUp } from 'lucide-react'
import { TextArea } from 'react-aria-components/TextArea'
import { TextField } from 'react-aria-components/TextField'
import { useCommand, useMay } from '../../deputy/hooks'
import { Button } from '../../parts/Button'

interface Props {
  text: string
  onText: (text: string) => void
  automation: string | null
  /** The automation's name, when one is to be changed. */
  name: string
}

export function Composer({ text, onText, automation, name }: Props) {
  const area = useRef<HTMLTextAreaElement>(null)
  const may = useMay('say')
  const { give } = useCommand(() => false)
  useEffect(() => {
    const { current } = area
    if (!current) return
    // The field is as tall as what stands in it, up to its greatest height in CSS.
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight}px`
  }, [text])
  const send = () => {
    const said = text.trim()
    if (!said) return
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
    give({ ask: 'say', text: said, timezone: timeZone, ...(automation ? { automation } : {}) })
    onText('')
  }
  if (!may) return <p className="notice">This device may look, but not delegate.</p>
  const prompt = automation ? `Change “${name}”` : 'What should be done?'
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <TextField
        aria-label={prompt}
        value={text}
        onChange={onText}
        className="composer-field"
        onKeyDown={(event) => {
          // While a word is being composed, Enter belongs to the input method.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          send()
        }}
      >
        <TextArea ref={area} rows={1} className="composer-input" placeholder={prompt} />
      </TextField>
      <Button weight="main" type="submit" icon={ArrowUp} aria-label="Send" isDisabled={!text.trim()} />
    </form>
  )
}
