import { assertEquals } from "@std/assert";
import { Shares } from "../../lib/core/shares.ts";

Deno.test("a client has its share and no more; giving back counts once; others are not concerned", () => {
  const shares = new Shares(2);
  const [one, two] = [shares.take("me"), shares.take("me")];
  assertEquals([shares.take("me"), shares.held("me"), shares.held("you")], [undefined, 2, 0]);
  const other = shares.take("you")!;
  one!();
  one!();
  assertEquals([shares.held("me"), shares.clients], [1, 2]);
  const again = shares.take("me")!;
  assertEquals(shares.take("me"), undefined);
  for (const giveBack of [two!, again, other]) giveBack();
  assertEquals([shares.held("me"), shares.clients], [0, 0]);
});

Deno.test("who is not told apart from others has no limit, and is not counted", () => {
  const shares = new Shares(1);
  const taken = Array.from({ length: 5 }, () => shares.take(undefined)!);
  for (const giveBack of taken) giveBack();
  assertEquals(shares.clients, 0);
});
