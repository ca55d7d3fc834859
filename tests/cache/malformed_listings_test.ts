import { assertEquals } from "@std/assert";
import { listing } from "../helpers/listing.ts";
import { codeOf, NEW, OLD, withCopy, withWarmCopy } from "../helpers/fault_world.ts";

/** Validly signed, with the right digest, and yet no listings: that day does not exist. */
const MALFORMED = [listing("AAAUSDT#1", "2024-02-30")];

Deno.test("signed listings that cannot be read never replace a copy", async () => {
  await withWarmCopy(async (world) => {
    await world.publishListings(NEW, MALFORMED);
    const before = await world.record();
    assertEquals(await codeOf((await world.open()).refresh()), "integrity");
    assertEquals(await world.record(), before);
    assertEquals(await world.offlineVersion(), OLD);
  });
});

Deno.test("signed listings that cannot be read are refused at a first contact, and each time again", async () => {
  await withCopy(async (world) => {
    await world.publishListings(NEW, MALFORMED);
    for (const version of [undefined, undefined, NEW, NEW]) {
      const options = version === undefined ? {} : { version };
      assertEquals(await codeOf((await world.open(options)).symbols()), "integrity");
    }
  });
});
