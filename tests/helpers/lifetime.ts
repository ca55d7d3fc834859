/**
 * The life of a publisher and its mirrors, by chance: kills, rollbacks, candidates, lost and restored KVs,
 * changed keys, clocks that are ahead; and what a person with a pencil would have noted of it.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { parseManifest } from "../../lib/core/parse_manifest.ts";
import { catchUp } from "../../lib/jobs/catch_up.ts";
import { missingArtifacts } from "../../lib/jobs/require_artifacts.ts";
import { promote, publish, type Publisher, renew, rollback } from "../../lib/jobs/publish.ts";
import { kvManifestStore } from "../../lib/manifest/kv.ts";
import { newSecretKey, signer } from "../../lib/manifest/signature.ts";
import { LATEST_PATH, manifestPath, type Mirror } from "../../lib/mirror/mirror.ts";
import { codeOf } from "./fault_world.ts";
import { listing } from "./listing.ts";
import { buildListings, type TestPublisher } from "./publisher.ts";

const HOUR_MS = 3_600_000;

/** What was published, as a person with a pencil would note it. */
export class Notebook {
  /** The one symbol that tells a version from all others. */
  readonly versions = new Map<string, string>();
  /** Texts of manifests that were seen anywhere, by sequence. */
  readonly texts = new Map<number, string>();

  /** No sequence is ever used twice. */
  note(text: string): void {
    const { sequence } = parseManifest(text).signed;
    const known = this.texts.get(sequence) ?? text;
    assertEquals(text, known, `sequence ${sequence} was used twice`);
    this.texts.set(sequence, known);
  }

  /** What `latest` was at the end of a day, by what manifests say. */
  asOf(day: string): string | undefined {
    return [...this.texts.values()].map((text) => parseManifest(text).signed)
      .filter((signed) => signed.channel === "latest" && signed.publishedAt.slice(0, 10) <= day)
      .sort((a, b) => b.sequence - a.sequence)[0]?.version;
  }
}

/** A mirror that dies at its n-th write. */
function dyingAt(mirror: Mirror, n: number): Mirror {
  let writes = 0;
  return {
    ...mirror,
    async put(path, body) {
      if (++writes < n) return await mirror.put(path, body);
      await body.cancel();
      throw new Error("killed");
    },
  };
}

/** One publisher's life: what may happen to it on a day, by chance. */
export class Life {
  /** What was published. */
  readonly record = new Notebook();
  #signers: Publisher["signers"];
  #store: Publisher["store"];
  readonly #kvs: Deno.Kv[] = [];
  /** How far its clock is ahead. */
  #aheadMs = 0;
  #build = 0;
  /** Keys that sign or have signed. */
  readonly keys: string[];

  /** Begins with the world's own KV and key; nothing is published yet. */
  constructor(
    readonly world: TestPublisher,
    readonly mirrors: readonly Mirror[],
    readonly random: () => number,
  ) {
    this.#signers = world.publisher.signers;
    this.#store = world.publisher.store;
    this.keys = this.#signers.map(({ keyId }) => keyId);
  }

  /** Whether something happens that does in some share of all cases. */
  chance(share: number): boolean {
    return this.random() < share;
  }

  #publisher(changes: Partial<Publisher> = {}): Publisher {
    const now = () => new Date(this.world.clock.getTime() + this.#aheadMs);
    const { mirrors } = this;
    const own = { ...this.world.publisher, signers: this.#signers, store: this.#store, now };
    return { ...own, mirrors, ...changes };
  }

  /** Publishes data of the day before; it may be killed at any write, or around its commit. */
  async publishDay(channel = "latest"): Promise<string> {
    const day = new Date(this.world.clock.getTime() - 24 * HOUR_MS).toISOString().slice(0, 10);
    const version = `${day}.${++this.#build}`;
    const symbol = `S${this.#build}USDT`;
    this.record.versions.set(version, symbol);
    const listings = [listing(`${symbol}#1`, "2024-01-01")];
    const dir = join(this.world.dir, "builds", version);
    const built = await buildListings(dir, version, listings);
    while (this.chance(0.3)) {
      const mirrors = this.mirrors.map((mirror) =>
        dyingAt(mirror, 1 + Math.floor(this.random() * 5))
      );
      const commit: Publisher["store"]["commit"] = async (commit) => {
        if (this.chance(0.1)) throw new Error("killed");
        const done = await this.#store.commit(commit);
        if (this.chance(0.1)) throw new Error("killed");
        return done;
      };
      const dying = this.#publisher({ mirrors, store: { ...this.#store, commit } });
      await codeOf(publish(dying, built, dir, { channel }));
    }
    await publish(this.#publisher(), built, dir, { channel });
    return version;
  }

  async #newKey(): Promise<void> {
    const next = await signer(await newSecretKey());
    this.keys.push(next.keyId);
    await renew(this.#publisher(), { nextKeys: [next.keyId] });
    this.#signers = [next];
    await renew(this.#publisher());
  }

  /** Begins with an empty KV, or with one that knows what was there at a sequence. */
  async #loseKv(backup = 0): Promise<void> {
    const kv = await Deno.openKv(":memory:");
    this.#kvs.push(kv);
    const old = this.#store;
    this.#store = kvManifestStore(kv);
    for (let sequence = 1; sequence <= backup; sequence++) {
      const stored = (await old.bySequence(sequence))!;
      const head = await this.#store.head(stored.manifest.signed.channel);
      const log = (await old.log(9999)).find((entry) => entry.sequence === sequence)!;
      assert(await this.#store.commit({ stored, head, log }));
    }
  }

  /** A day, or none: the source may fail. */
  async liveDay(): Promise<void> {
    this.#aheadMs = this.chance(0.1) ? 5 * HOUR_MS : 0;
    const lost = this.random();
    if (lost < 0.1) await this.#loseKv();
    else if (lost < 0.2) await this.#loseKv(Math.floor(await this.#store.lastSequence() / 2));
    if (this.chance(0.1)) return;
    await this.publishDay();
    if (this.chance(0.05)) await this.#newKey();
    if (this.chance(0.2)) {
      const candidate = await this.publishDay("candidate");
      if (this.chance(0.5)) await promote(this.#publisher(), candidate);
    }
    this.#aheadMs = 0;
    if (this.chance(0.2)) {
      if (this.chance(0.3)) await this.#loseKv();
      await this.#rollBack();
    }
    if (this.chance(0.1)) await renew(this.#publisher());
  }

  async #rollBack(): Promise<void> {
    await catchUp(this.#publisher());
    const latest = async () => (await this.#store.head("latest")).pointer!.version;
    const before = await latest();
    await rollback(this.#publisher(), undefined);
    const order = [...this.record.versions.keys()];
    assert(order.indexOf(await latest()) < order.indexOf(before), `forward from ${before}`);
  }

  /** Nothing that a mirror shows is torn, missing or another's. */
  async checkMirrors(): Promise<void> {
    const known = Math.max(0, ...this.record.texts.keys());
    const last = Math.max(await this.#store.lastSequence(), known);
    for (const mirror of this.mirrors) {
      const textAt = async (path: string) =>
        await new Response((await mirror.open(path))!.body).text();
      for (let sequence = 1; sequence <= last; sequence++) {
        const text = await textAt(manifestPath(sequence));
        assertEquals(parseManifest(text).signed.sequence, sequence);
        this.record.note(text);
      }
      const newest = parseManifest(await textAt(LATEST_PATH)).signed;
      assertEquals(await missingArtifacts(mirror, newest), []);
      assertEquals(newest.version, this.record.asOf("9999"), mirror.name);
    }
  }

  /** Lets go of its KVs. */
  close(): void {
    for (const kv of this.#kvs) kv.close();
  }
}
