/** Waiting for what a service serves, however slow the machine is: a service starts without a version that takes long to load. @module */

import { type EventStream, eventStream } from "./event_stream.ts";

/** Waits until a stream of events tells of a version. */
export async function untilToldOf(version: string, events: EventStream): Promise<void> {
  for (;;) {
    const event = await events.nextEvent();
    if (!event) throw new Error(`The event stream ended before ${version} was served`);
    if (JSON.parse(event.data!).version === version) return;
  }
}

/** Waits until a service serves a version. */
export async function untilServed(version: string, url: string): Promise<void> {
  const events = eventStream(await fetch(`${url}/v1/manifest/events`));
  await untilToldOf(version, events);
  await events.cancel();
}
