/** Tools and their operations in words. */

const VERBS: Record<string, string> = {
  'web.fetch': 'Read a page',
  'web.request': 'Send a request',
  'web.search': 'Search the web',
  'http.get': 'Read from a web service',
  'http.request': 'Send a request to a web service',
  'feeds.read': 'Read a feed',
  'calendar.list': 'List events',
  'calendar.get': 'Read an event',
  'calendar.create': 'Create an event',
  'calendar.update': 'Change an event',
  'calendar.delete': 'Delete an event',
  'mail.send': 'Send a mail',
  'mail.draft': 'Draft a mail',
  'mail.search': 'Search mail',
  'mail.get': 'Read a mail',
  'mail.label': 'Mark a mail',
  'mail.move': 'Move a mail',
  'notify.send': 'Notify you',
  'notes.put': 'Write a note',
  'notes.get': 'Read a note',
  'notes.search': 'Search notes',
  'files.read': 'Read a file',
  'files.list': 'List a folder',
  'files.stat': 'Look at a file',
  'files.write': 'Write a file',
  'files.append': 'Add to a file',
  'files.copy': 'Copy a file',
  'files.move': 'Move a file',
  'files.trash': 'Put a file into the trash',
  'ctx.emit': 'Emit an item',
  'ctx.sleep': 'Sleep',
}

/** Operations whose titles say what they do. */
const TITLED = new Set([
  'mail.send',
  'mail.draft',
  'calendar.create',
  'calendar.update',
  'calendar.delete',
  'web.request',
  'http.get',
  'http.request',
  'notes.put',
  'files.write',
  'files.append',
  'files.copy',
  'files.move',
  'files.trash',
])

/** What a call does in a line, e.g. `Notify you: stand up`. */
export function deed(tool: string, title: string): string {
  return TITLED.has(tool) || !title ? title || verb(tool) : `${verb(tool)}: ${title}`
}

/** E.g. `Send a mail`; the operation's own name when there are no words for it. */
export function verb(tool: string): string {
  return VERBS[tool] ?? tool
}
