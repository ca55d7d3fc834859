import { assertEquals } from "@std/assert";
import { addressKey, clientKey } from "../../routes/client_key.ts";

/** An address as it may be written, and what it counts as. */
const ADDRESSES: [address: string, key: string][] = [
  ["192.0.2.7", "192.0.2.7"],
  ["192.0.2.7:50123", "192.0.2.7"],
  ["::ffff:192.0.2.7", "::ffff:192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
  ["[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1", "fe80:0:0:0::/64"],
  ["unix", "unix"],
];

Deno.test("addressKey() counts IPv6 by its first half, and knows ports from addresses", () => {
  for (const [address, key] of ADDRESSES) assertEquals(addressKey(address), key);
});

Deno.test("clientKey() takes the last address of the proxy's header, else the connection's", () => {
  const request = (value?: string) =>
    new Request("http://x/", { headers: value === undefined ? {} : { "x-forwarded-for": value } });
  const info = { remoteAddr: { transport: "tcp", hostname: "198.51.100.1", port: 1 } } as
    & Deno.ServeHandlerInfo
    & unknown;
  const cases: [value: string | undefined, key: string][] = [
    ["203.0.113.5", "203.0.113.5"],
    ["1.1.1.1, 203.0.113.5", "203.0.113.5"],
    ["1.1.1.1,", "198.51.100.1"],
    [undefined, "198.51.100.1"],
    ["a".repeat(9_000), "a".repeat(64)],
  ];
  for (const [value, key] of cases) {
    assertEquals(clientKey(request(value), info, "x-forwarded-for"), key);
  }
  assertEquals(clientKey(request("203.0.113.5"), info, undefined), "198.51.100.1");
  assertEquals(clientKey(request(), undefined, undefined), "unknown");
});
