/**
 * What was read, on its way into the store: in batches, one after another, while the reading goes on.
 *
 * @module
 */

/** How many batches may wait before the reading does: memory must not grow with the history. */
const MOST_BEHIND = 4;

/** Writes batches of things, behind the one who reads them. */
export class WriteBehind<T> {
  readonly #write: (batch: T[]) => Promise<unknown>;
  readonly #full: number;
  #batch: T[] = [];
  #size = 0;
  #behind = 0;
  #written = Promise.resolve();

  /**
   * @param full A batch is written once its things are as large as this together.
   */
  constructor(full: number, write: (batch: T[]) => Promise<unknown>) {
    this.#full = full;
    this.#write = write;
  }

  /**
   * Takes a thing in; waits when the store is far behind.
   *
   * @throws What the store threw for a batch before.
   */
  async add(thing: T, size: number): Promise<void> {
    this.#batch.push(thing);
    this.#size += size;
    if (this.#size < this.#full) return;
    this.#send();
    if (this.#behind >= MOST_BEHIND) await this.#written;
  }

  /** Writes what is left, and waits until all is written. */
  async end(): Promise<void> {
    if (this.#batch.length > 0) this.#send();
    await this.#written;
  }

  #send(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#size = 0;
    this.#behind++;
    this.#written = this.#written.then(async () => {
      await this.#write(batch);
      this.#behind--;
    });
    this.#written.catch(() => {}); // it is awaited later; until then nobody looks
  }
}
