import { assert, assertEquals } from "@std/assert";
import { snapshot } from "../../lib/core/answers.ts";
import type { BfaError } from "../../lib/core/errors.ts";
import { follow, type Followed, type FollowOptions } from "../../lib/jobs/follow.ts";
import { promote, renew, rollback } from "../../lib/jobs/publish.ts";
import { artifactPath, type Mirror } from "../../lib/mirror/mirror.ts";
import { SMALL_LISTINGS, type TestPublisher, withPublisher } from "../helpers/publisher.ts";

const V1 = "2024-03-31.1";
const V2 = "2024-03-31.2";
const V3 = "2024-03-31.3";

/** A follower, what it reports, and how to wait for it. */
interface Following extends Followed {
  readonly problems: BfaError[];
  /** Versions it switched to, the first one included. */
  readonly switches: string[];
  /** Waits until it serves a sequence. */
  serves(sequence: number): Promise<void>;
  /** Waits until it has reported some number of problems. */
  reports(count: number): Promise<void>;
}

/** Follows a world's channel during a test. */
async function following(
  world: TestPublisher,
  test: (followed: Following) => Promise<void>,
  more: Partial<FollowOptions> = {},
): Promise<void> {
  const problems: BfaError[] = [];
  const waiting = new Set<() => void>();
  const check = () => waiting.forEach((look) => look());
  const until = (condition: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => condition() && waiting.delete(look) && resolve();
    waiting.add(look);
    look();
    return promise;
  };
  const followed = await follow({
    reader: world.publisher.store,
    mirror: world.publisher.mirrors[0]!,
    channel: "latest",
    onProblem: (error) => (problems.push(error), check()),
    ...more,
  });
  const first = followed.current()?.source.version;
  const switches = first ? [first] : [];
  followed.onChange(({ source }) => (switches.push(source.version), check()));
  const sequence = () => followed.current()?.stored.manifest.signed.sequence;
  try {
    await test({
      ...followed,
      problems,
      switches,
      serves: (wanted) => until(() => sequence() === wanted),
      reports: (count) => until(() => problems.length >= count),
    });
  } finally {
    await followed.close();
  }
}

const symbolsOf = (followed: Followed) => snapshot(followed.current()!.source, "latest").symbols;

/** The file of the listings of the version that a publish made. */
async function listingsFile(world: TestPublisher, version: string): Promise<string> {
  const { store } = world.publisher;
  const stored = await store.bySequence((await store.sequenceOf(version))!);
  return `${world.mirrorDir}/${artifactPath(stored!.manifest.signed.artifacts[0]!)}`;
}

Deno.test("follow() serves the newest version at once, and switches with every move", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    await following(world, async (followed) => {
      assertEquals(followed.current()?.source.version, V1);
      assertEquals(symbolsOf(followed), ["AAAUSDT", "BBBUSDT"]);
      await world.publishListings(V2, SMALL_LISTINGS.slice(0, 1));
      await followed.serves(2);
      assertEquals(symbolsOf(followed), ["AAAUSDT"]);
      await rollback(world.publisher, undefined);
      await followed.serves(3);
      assertEquals(symbolsOf(followed), ["AAAUSDT", "BBBUSDT"]);
      await renew(world.publisher);
      await followed.serves(4);
      assertEquals(followed.switches, [V1, V2, V1, V1]);
      assertEquals(followed.problems, []);
    });
  });
});

Deno.test("follow() starts without any version, and takes the first one", async () => {
  await withPublisher(async (world) => {
    await following(world, async (followed) => {
      assertEquals(followed.current(), undefined);
      await world.publishListings(V1, SMALL_LISTINGS);
      await followed.serves(1);
      assertEquals([followed.switches, followed.problems], [[V1], []]);
    });
  });
});

Deno.test("follow() looks at its own channel alone", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS, { channel: "candidate" });
    await following(world, async (followed) => {
      assertEquals(followed.current(), undefined);
      await world.publishListings(V2, SMALL_LISTINGS.slice(1), { channel: "candidate" });
      await promote(world.publisher, V1);
      await followed.serves(3);
      assertEquals(followed.switches, [V1]);
    });
  });
});

Deno.test("follow() reads listings that it has already only once", async () => {
  await withPublisher(async (world) => {
    let opened = 0;
    const real = world.publisher.mirrors[0]!;
    const mirror: Mirror = { ...real, open: (path) => (opened++, real.open(path)) };
    await world.publishListings(V1, SMALL_LISTINGS);
    await following(world, async (followed) => {
      const { index } = followed.current()!.source;
      await renew(world.publisher);
      await followed.serves(2);
      assert(followed.current()!.source.index === index);
      assertEquals(opened, 1);
    }, { mirror });
  });
});

Deno.test("follow() keeps the last good version when the mirror has wrong bytes, and recovers", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    let spoil = true;
    const real = world.publisher.mirrors[0]!;
    const mirror: Mirror = {
      ...real,
      async open(path) {
        const file = await real.open(path);
        if (!spoil || !file) return file;
        const bytes = await new Response(file.body).bytes();
        return { ...file, body: new Blob([bytes.with(20, 0)]).stream() };
      },
    };
    spoil = false;
    await following(world, async (followed) => {
      spoil = true;
      await world.publishListings(V2, SMALL_LISTINGS.slice(0, 1));
      await followed.reports(2);
      assertEquals(followed.current()?.source.version, V1);
      assertEquals(new Set(followed.problems.map(({ code }) => code)), new Set(["integrity"]));
      assert(followed.problems[0]!.message.includes("the manifest says"));
      spoil = false;
      await followed.serves(2);
      assertEquals(followed.switches, [V1, V2]);
    }, { mirror });
  });
});

Deno.test("follow() keeps the last good version when the mirror lacks the file, and recovers", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    await world.publishListings(V2, SMALL_LISTINGS.slice(0, 1), { channel: "candidate" });
    const file = await listingsFile(world, V2);
    await Deno.rename(file, `${file}.away`);
    await following(world, async (followed) => {
      await promote({ ...world.publisher, mirrors: [] }, V2); // which would refuse
      await followed.reports(1);
      assertEquals(followed.current()?.source.version, V1);
      const [problem] = followed.problems;
      assertEquals(problem!.code, "unavailable");
      assert(problem!.message.endsWith("the mirror does not have it"), problem!.message);
      await Deno.rename(`${file}.away`, file);
      await followed.serves(3);
    });
  });
});

Deno.test("follow() starts with a damaged mirror, reports it, and serves when it is repaired", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const file = await listingsFile(world, V1);
    const good = await Deno.readTextFile(file);
    await Deno.writeTextFile(file, good.slice(1));
    await following(world, async (followed) => {
      assertEquals(followed.current(), undefined);
      assertEquals(followed.problems[0]!.code, "integrity");
      await Deno.writeTextFile(file, good);
      await followed.serves(1);
    });
  });
});

Deno.test("follow() reports that it can watch no more, and watches again", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const { store } = world.publisher;
    let watches = 0;
    const reader = {
      ...store,
      async *watch(...args: Parameters<typeof store.watch>) {
        if (++watches === 1) throw new Error("what is this pointer?");
        yield* store.watch(...args);
      },
    };
    await following(world, async ({ problems, reports, serves }) => {
      await reports(1);
      assertEquals(problems[0]!.message, "Cannot follow channel latest: what is this pointer?");
      await world.publishListings(V2, SMALL_LISTINGS);
      await serves(2);
    }, { reader });
  });
});

Deno.test("follow() gives a version up that never loads as soon as the channel moves on", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    await world.publishListings(V2, SMALL_LISTINGS.slice(0, 1), { channel: "candidate" });
    await Deno.remove(await listingsFile(world, V2));
    await following(world, async (followed) => {
      await promote({ ...world.publisher, mirrors: [] }, V2); // which would refuse
      await followed.reports(1);
      await world.publishListings(V3, SMALL_LISTINGS.slice(0, 2));
      await followed.serves(4);
      assertEquals(followed.switches, [V1, V3]);
    });
  });
});

Deno.test("follow() never goes back to an older version that was slow to load", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const real = world.publisher.mirrors[0]!;
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const late = Promise.withResolvers<void>();
    let slow: string | undefined;
    const mirror: Mirror = {
      ...real,
      async open(path) {
        const file = await real.open(path);
        if (path !== slow || !file) return file;
        asked.resolve();
        await go.promise;
        const bytes = await new Response(file.body).bytes();
        late.resolve();
        return { ...file, body: new Blob([bytes]).stream() };
      },
    };
    await following(world, async (followed) => {
      await world.publishListings(V2, SMALL_LISTINGS.slice(0, 1), { channel: "candidate" });
      slow = (await listingsFile(world, V2)).slice(world.mirrorDir.length + 1);
      await promote(world.publisher, V2);
      await asked.promise;
      await world.publishListings(V3, SMALL_LISTINGS.slice(0, 2));
      await followed.serves(4);
      go.resolve();
      await late.promise;
      await renew(world.publisher); // its event comes after whatever the slow load still does
      await followed.serves(5);
      assertEquals(followed.switches, [V1, V3, V3]);
    }, { mirror });
  });
});

Deno.test("follow() never goes back while a lost KV is filled from its mirrors again", async () => {
  await withPublisher(async (world) => {
    const { store } = world.publisher;
    for (const [i, version] of [V1, V2, V3].entries()) {
      await world.publishListings(version, SMALL_LISTINGS.slice(i));
    }
    const filled = Promise.withResolvers<void>();
    const loaded: number[] = [];
    const reader: FollowOptions["reader"] = {
      ...store,
      bySequence: (sequence) => (loaded.push(sequence), store.bySequence(sequence)),
      async *watch(channel, signal) {
        await filled.promise;
        for (const [i, version] of [V1, V2, V3].entries()) yield { sequence: i + 1, version };
        yield* store.watch(channel, signal);
      },
    };
    await following(world, async (followed) => {
      await world.publishListings("2024-03-31.4", SMALL_LISTINGS.slice(3));
      filled.resolve();
      await followed.serves(4);
      assertEquals(loaded, [3, 4]);
      assertEquals(followed.problems, []);
    }, { reader });
  });
});

Deno.test("follow() does not wait for ever for the first version: it comes later", async () => {
  await withPublisher(async (world) => {
    await world.publishListings(V1, SMALL_LISTINGS);
    const [real] = world.publisher.mirrors;
    const goOn = Promise.withResolvers<void>();
    let opened = 0;
    const mirror: Mirror = {
      ...real!,
      async open(path, range) {
        if (opened++ === 0) await goOn.promise;
        return await real!.open(path, range);
      },
    };
    await following(world, async (followed) => {
      assertEquals(followed.problems.map(({ code, message }) => [code, message]), [
        ["unavailable", "Cannot load the version in 5 ms; trying on"],
      ]);
      await followed.serves(1);
      goOn.resolve(); // the first load ends now, and changes nothing
      assertEquals(opened, 2);
      await world.publishListings(V2, SMALL_LISTINGS.slice(1));
      await followed.serves(2);
      assertEquals(followed.switches.at(-1), V2);
    }, { mirror, firstLoadMs: 5 });
  });
});
