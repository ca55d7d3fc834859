/**
 * What was read, on its way into the store: in batches, one after another, while the reading goes on.
 *
 * @module
 */

/** So many batches may wait before the reading does: memory must not grow with the history. */
const MOST_WAITING = 3;

/** Writes things in batches, behind the one who reads them. */
export class WriteBehind<T> {
  readonly #write: (batch: T[]) => Promise<unknown>;
  readonly #enough: number;
  #waiting: { readonly thing: T; readonly size: number }[] = [];
  #size = 0;
  #isHurried = false;
  #writing: Promise<void> | undefined;

  /** @param enough Things of this size together make a batch; larger ones would need more memory. */
  constructor(enough: number, write: (batch: T[]) => Promise<unknown>) {
    this.#enough = enough;
    this.#write = write;
  }

  /**
   * Takes a thing in; waits when the store is far behind.
   *
   * @throws What the store threw.
   */
  async add(thing: T, size: number): Promise<void> {
    this.#waiting.push({ thing, size });
    this.#size += size;
    this.#begin();
    if (this.#size >= MOST_WAITING * this.#enough) await this.#writing;
  }

  /** Has what waits written now, however little it is. */
  send(): void {
    this.#isHurried = true;
    this.#begin();
  }

  /** Waits until all is written. */
  async end(): Promise<void> {
    this.send();
    await this.#writing;
  }

  #begin(): void {
    if (this.#writing || !this.#hasBatch()) return;
    this.#writing = this.#writeAll();
    this.#writing.catch(() => {}); // it is awaited later; until then nobody looks
  }

  /** After a failure it never ends well: nothing is written any more, and all who wait are told. */
  async #writeAll(): Promise<void> {
    while (this.#hasBatch()) await this.#write(this.#take());
    this.#isHurried = false;
    this.#writing = undefined;
  }

  #hasBatch(): boolean {
    return this.#waiting.length > 0 && (this.#isHurried || this.#size >= this.#enough);
  }

  #take(): T[] {
    const batch: T[] = [];
    let taken = 0;
    for (const { thing, size } of this.#waiting) {
      if (taken >= this.#enough) break;
      batch.push(thing);
      taken += size;
    }
    this.#waiting = this.#waiting.slice(batch.length);
    this.#size -= taken;
    return batch;
  }
}
