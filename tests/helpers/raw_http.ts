/** Bytes over a connection, as no HTTP client would send them. @module */

/** Sends bytes as they are and returns all that comes back. */
export async function rawHttp(base: string, request: string): Promise<string> {
  const { hostname, port } = new URL(base);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  await connection.closeWrite();
  return await new Response(connection.readable).text();
}
