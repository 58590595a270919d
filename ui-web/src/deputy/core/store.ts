// What outlives the page: the pairing, and what the core keeps, which is sealed already.
//
// The pairing holds this device's key. It is encrypted with a key of the browser's that no script can
// read out, so a copy of the database is of no use elsewhere.

const DATABASE = 'deputy'
const STORE = 'kept'
const DEVICE = 'device'
const WRAPPING = 'wrapping key'

interface Sealed {
  iv: Uint8Array<ArrayBuffer>
  bytes: ArrayBuffer
}

/** Opens the database of this browser. */
export async function openStore(): Promise<Store> {
  const request = indexedDB.open(DATABASE, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE)
  }
  return new Store(await done(request))
}

/** A pairing, and what the core has kept for it. */
export interface KeptPairing {
  /** The core's JSON. */
  device: string
  commands: Uint8Array | undefined
  views: Uint8Array | undefined
}

/** The database of this browser. */
export class Store {
  constructor(private readonly database: IDBDatabase) {}

  /** All that is kept; undefined when this browser is not paired. */
  async pairing(): Promise<KeptPairing | undefined> {
    const [device, commands, views] = await Promise.all([
      this.device(),
      this.get('commands') as Promise<Uint8Array | undefined>,
      this.get('views') as Promise<Uint8Array | undefined>,
    ])
    return device === undefined ? undefined : { device, commands, views }
  }

  /** Keeps bytes; on disk when it is done. */
  async keep(name: string, bytes: Uint8Array): Promise<void> {
    await this.put(name, bytes)
  }

  /** The pairing of this browser, as the core's JSON. */
  private async device(): Promise<string | undefined> {
    const [sealed, key] = await Promise.all([
      this.get(DEVICE) as Promise<Sealed | undefined>,
      this.get(WRAPPING) as Promise<CryptoKey | undefined>,
    ])
    if (!sealed || !key) return undefined
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv }, key, sealed.bytes)
    return new TextDecoder().decode(plain)
  }

  /** Keeps a pairing in place of the last. */
  async keepDevice(device: string): Promise<void> {
    let key = (await this.get(WRAPPING)) as CryptoKey | undefined
    if (!key) {
      key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
      await this.put(WRAPPING, key)
    }
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const plain = new TextEncoder().encode(device)
    const bytes = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain)
    await this.put(DEVICE, { iv, bytes } satisfies Sealed)
  }

  /** Forgets everything, also what was kept for the last pairing. */
  async clear(): Promise<void> {
    const transaction = this.database.transaction(STORE, 'readwrite', { durability: 'strict' })
    transaction.objectStore(STORE).clear()
    await completed(transaction)
  }

  private async get(name: string): Promise<unknown> {
    const store = this.database.transaction(STORE).objectStore(STORE)
    return done(store.get(name) as IDBRequest<unknown>)
  }

  private async put(name: string, value: unknown): Promise<void> {
    const transaction = this.database.transaction(STORE, 'readwrite', { durability: 'strict' })
    transaction.objectStore(STORE).put(value, name)
    await completed(transaction)
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(request.error ?? new Error('the browser’s database does not answer'))
    }
  })
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve()
    }
    transaction.onabort = () => {
      reject(transaction.error ?? new Error('the browser’s database took nothing'))
    }
  })
}
