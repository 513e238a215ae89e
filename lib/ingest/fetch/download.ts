import { createHash } from "node:crypto";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { CountersignError, FileRefused, Unavailable } from "#lib/errors.ts";
import { checkedLookup, type Network, networkOfEnvironment } from "./network.ts";
import { allowedHosts, checkUrl } from "./url.ts";

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Statuses below 500 after which the same request may work later. */
const PASSING = new Set([408, 425, 429]);

export interface DownloadOptions {
  readonly url: string;
  /** Most bytes of content; counted while they arrive, whatever the headers say. */
  readonly maxBytes: number;
  /** For all of it: names, redirects, content. */
  readonly timeoutMs: number;
  /** Longest silence while connecting or reading; 15 s when absent. */
  readonly idleMs?: number;
  /** Host rules as in {@link allowedHosts}, the default. */
  readonly allowHosts?: readonly string[];
  /** Lower-case hex of what the content must be. */
  readonly expectedSha256?: string;
  readonly network?: Network;
}

export interface Downloaded<T> {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex of the content. */
  readonly sha256: string;
  /** What the server says the content is, without parameters; null when it does not say. */
  readonly mimeType: string | null;
  /** What the sink returned. */
  readonly stored: T;
}

/**
 * Fetches a file by https and passes its content to `sink` as it arrives. The content throws before its end when a
 * limit breaks, so a sink that keeps only what ended well (such as `BlobStore.put`) stores nothing.
 * Throws FileRefused "url_refused", "too_large" or "hash_mismatch" for what will not get better, and Unavailable for
 * network errors, time-outs and statuses that may pass. Errors of the sink come through as they are.
 */
export async function download<T>(
  options: DownloadOptions,
  sink: (content: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<Downloaded<T>> {
  const network = options.network ?? networkOfEnvironment();
  const allowHosts = options.allowHosts ?? allowedHosts();
  const signal = AbortSignal.timeout(options.timeoutMs);
  const response = await open(options, network, allowHosts, signal);
  try {
    checkHead(response, options.maxBytes);
    const hash = createHash("sha256");
    let size = 0;
    const content = async function* () {
      for await (const bytes of received(response)) {
        size += bytes.byteLength;
        if (size > options.maxBytes) throw tooLarge(options.maxBytes);
        hash.update(bytes);
        yield bytes;
      }
      const { expectedSha256 } = options;
      if (expectedSha256 && hash.copy().digest("hex") !== expectedSha256) {
        throw new FileRefused("hash_mismatch", "The file is not the one that was announced");
      }
    };
    const stored = await sink(content());
    const mimeType = response.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() || null;
    return { size, sha256: hash.digest("hex"), mimeType, stored };
  } finally {
    response.destroy();
  }
}

/** Follows redirects, each checked like the first URL, to a response with content. */
async function open(
  options: DownloadOptions,
  network: Network,
  allowHosts: readonly string[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = checkUrl(options.url, allowHosts, network);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await send(url, network, signal, options.idleMs ?? 15_000);
    const status = response.statusCode ?? 0;
    if (status === 200) return response;
    response.destroy();
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined) throw badStatus(status);
    // Resolved against the URL it came from; what does not resolve is refused like any other bad URL.
    url = checkUrl(URL.parse(location, url.href)?.href ?? "", allowHosts, network);
  }
  throw new FileRefused("url_refused", `More than ${MAX_REDIRECTS} redirects: use the final URL`);
}

function send(
  url: URL,
  network: Network,
  signal: AbortSignal,
  idleMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
      // No agent: a pooled connection could have been opened under other rules.
      agent: false,
      lookup: checkedLookup(network),
      signal,
      timeout: idleMs,
      headers: { accept: "*/*", "accept-encoding": "identity", "user-agent": "countersign" },
    });
    request.on("timeout", () => request.destroy(new Error(`silent for ${idleMs} ms`)));
    request.on("response", resolve);
    request.on("error", (error) => reject(networkError(error)));
    request.end();
  });
}

async function* received(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* response;
  } catch (error) {
    throw networkError(error);
  }
}

function checkHead(response: IncomingMessage, maxBytes: number): void {
  const encoding = response.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new FileRefused(
      "url_refused",
      `The server sends the file encoded as ${encoding.slice(0, 20)}: serve it as it is`,
    );
  }
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function tooLarge(maxBytes: number): FileRefused {
  return new FileRefused("too_large", `Larger than the limit of ${maxBytes} bytes`, { maxBytes });
}

function badStatus(status: number): CountersignError {
  if (status >= 500 || PASSING.has(status)) {
    return new Unavailable("url_unavailable", `The server answered ${status}`, { status });
  }
  return new FileRefused("url_refused", `The server answered ${status} instead of the file`, {
    status,
  });
}

function networkError(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  return new Unavailable("url_unavailable", "The file could not be fetched", {}, error);
}
