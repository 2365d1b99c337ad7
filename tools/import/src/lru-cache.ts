/** Caches fetched values for the `capacity` keys used last. Failures are not cached. */
export class LruCache<Value> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Promise<Value>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  async get(key: string, fetch: () => Promise<Value>): Promise<Value> {
    const value = this.#entries.get(key) ?? fetch();
    // A Map keeps the order of insertion, so the first key is the least recently used one.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#capacity && oldest !== undefined) this.#entries.delete(oldest);
    try {
      return await value;
    } catch (error) {
      if (this.#entries.get(key) === value) this.#entries.delete(key);
      throw error;
    }
  }
}
