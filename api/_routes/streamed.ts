import type { Context } from "hono";

type Headers = Readonly<Record<string, string>> & { readonly "content-type": string };

/**
 * Answers 200 with what `open` opens. HEAD comes here as GET does, and its answer has no body that anybody would read to its
 * end, and so close: for it nothing is opened.
 */
export async function streamed(
  c: Context,
  headers: Headers,
  open: () => Promise<ReadableStream<Uint8Array>>,
) {
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  return c.body(await open(), 200, headers);
}
