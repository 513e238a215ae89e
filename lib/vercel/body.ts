import type { Fetcher } from "@vercel/sdk/lib/http.js";

/** The longest answer that is read, in bytes: a list of 100 deployments has some 300 KB. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

/**
 * How requests are sent: with `more` in their JSON body, and with an answer that ends in an error when it is longer than 16 MB. No redirect is
 * followed: it could take the body, with the values of variables, to anybody.
 * @param signal ends the request, and the reading of its answer. That of a Request does not always: Node forgets it when it
 * collects the Request, which nothing refers to while an answer is waited for.
 * @param more what Vercel takes and the SDK's type of the request does not have.
 */
export function sending(
  signal: AbortSignal,
  more: Readonly<Record<string, unknown>> | undefined,
): Fetcher {
  return async (input, init) => {
    const request = new Request(input, init);
    const sent = more === undefined ? request : await withMore(request, more);
    const response = await fetch(sent, { redirect: "manual", signal });
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(bounded()), { status, statusText, headers });
  };
}

async function withMore(request: Request, more: Readonly<Record<string, unknown>>) {
  const body = (await request.clone().json()) as Record<string, unknown>;
  return new Request(request, { body: JSON.stringify({ ...body, ...more }) });
}

function bounded(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) return controller.enqueue(chunk);
      controller.error(new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`));
    },
  });
}
