/** Bytes over a connection, as no HTTP client would send them. @module */

/** Sends bytes as they are (with `Connection: close`) and returns all that comes back; as `latin1`, a character is a byte. */
export async function rawHttp(
  base: string,
  request: string,
  encoding: "utf-8" | "latin1" = "utf-8",
): Promise<string> {
  const { hostname, port } = new URL(base);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  const bytes = await new Response(connection.readable).bytes();
  if (encoding === "utf-8") return new TextDecoder().decode(bytes);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8_192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  }
  return text;
}
