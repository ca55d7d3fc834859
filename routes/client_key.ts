/**
 * By what a client is told apart from others.
 *
 * @module
 */

/** Longer than any address: a longer value would only fill the memory. */
const KEY_LENGTH = 64;

/**
 * A client's address, or what the proxy in front says of it. IPv6 addresses count by their first
 * half: whoever has one has 2^64 of them.
 *
 * @param header The header that the proxy sets, if there is one.
 */
export function clientKey(
  request: Request,
  info: Deno.ServeHandlerInfo | undefined,
  header: string | undefined,
): string {
  // A proxy adds the address it saw at the end; what stands before it the client may have made up.
  const named = header && request.headers.get(header)?.split(",").at(-1)?.trim();
  if (named) return addressKey(named.slice(0, KEY_LENGTH));
  const address = info?.remoteAddr;
  return address && "hostname" in address ? addressKey(address.hostname) : "unknown";
}

/** An address as a key; some proxies write the port too. */
export function addressKey(text: string): string {
  const address = text.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");
  if (!address.includes(":") || address.includes(".")) return address; // an IPv4 one, mapped or not
  const [before = "", after] = address.split("::");
  const groups = before.split(":");
  if (after !== undefined) {
    const given = after === "" ? [] : after.split(":");
    while (groups.length + given.length < 8) groups.push("0");
    groups.push(...given);
  }
  return `${
    groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "") || "0").join(":")
  }::/64`;
}
