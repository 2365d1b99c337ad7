/** Remembers what was fetched for a key, for the `capacity` keys used last. A failure is not remembered. */
export class BoundedMemory<Value> {
  readonly #capacity: number;
  readonly #known = new Map<string, Promise<Value>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#known.size;
  }

  async get(key: string, fetch: () => Promise<Value>): Promise<Value> {
    const value = this.#known.get(key) ?? fetch();
    // A Map keeps the order of insertion: the first key is the one that was not used for longest.
    this.#known.delete(key);
    this.#known.set(key, value);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#capacity && oldest !== undefined) this.#known.delete(oldest);
    try {
      return await value;
    } catch (error) {
      if (this.#known.get(key) === value) this.#known.delete(key);
      throw error;
    }
  }
}
