/** A bare `Deno.serve` that returns the bytes in a file; 304 to everything with `If-None-Match`. @module */

const [file, etag] = Deno.args;
const body = Deno.readFileSync(file!);
const headers = { "content-type": "application/json", etag: etag! };
const server = Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: () => {} },
  (request) =>
    request.headers.has("if-none-match")
      ? new Response(null, { status: 304, headers })
      : new Response(body, { headers }),
);
console.log(`http://127.0.0.1:${server.addr.port}`);
