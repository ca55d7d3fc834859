/**
 * How many event streams each client has open.
 *
 * @module
 */

/** Counts streams per client. */
export class OpenStreams {
  readonly #open = new Map<string, number>();

  /** At most so many for one client. */
  constructor(readonly mostPerClient: number) {}

  /** Whether a client may open another. */
  allows(client: string): boolean {
    return (this.#open.get(client) ?? 0) < this.mostPerClient;
  }

  /** A response as it is, whose body counts for a client until it ends or the client leaves. */
  counted(client: string, response: Response): Response {
    if (!response.body) return response;
    this.#open.set(client, (this.#open.get(client) ?? 0) + 1);
    const reader = response.body.getReader();
    const release = () => {
      const left = this.#open.get(client)! - 1;
      if (left > 0) this.#open.set(client, left);
      else this.#open.delete(client);
    };
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        release();
        controller.close();
      },
      cancel(reason) {
        release();
        return reader.cancel(reason);
      },
    });
    return new Response(body, response);
  }
}
