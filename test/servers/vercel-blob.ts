import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A read-write token as Vercel writes them: the fourth part names the store. */
export const TOKEN = "vercel_blob_rw_teststore_secret";
/** Fewer than Vercel's, so that a test sees more than one page. */
const PAGE = 2;
const FAILURES: Record<number, string> = {
  403: "forbidden",
  429: "rate_limited",
  500: "internal_server_error",
};
const MIN_PART_BYTES = 5 * 1024 * 1024;
/** Where undici keeps the dispatcher of its fetch: the only way to send the SDK's reads elsewhere. */
const DISPATCHER = Symbol.for("undici.globalDispatcher.1");

interface Dispatcher {
  dispatch(options: { origin?: string | URL }, handler: unknown): boolean;
}
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly access: string | undefined;
}

/** The HTTP side of Vercel Blob, for the SDK: writes and lists at its API, reads at the private store's own host. */
export interface FakeVercelBlob {
  readonly requests: readonly Seen[];
  /** Every answer has this status until called with null. */
  fail(status: number | null): void;
  /** Is asked before each answer, which waits for it; a status that it gives is the answer. Until called with null. */
  intercept(hook: ((request: Seen) => Promise<number | null>) | null): void;
  close(): Promise<void>;
}

/** Starts it on a free port and points the SDK of this process at it. */
export async function startFakeVercelBlob(): Promise<FakeVercelBlob> {
  const blobs = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  const requests: Seen[] = [];
  let failing: number | null = null;
  let asked: ((request: Seen) => Promise<number | null>) | null = null;

  const described = (pathname: string) => ({
    pathname,
    url: `https://teststore.private.blob.vercel-storage.com/${pathname}`,
    downloadUrl: `https://teststore.private.blob.vercel-storage.com/${pathname}?download=1`,
    size: blobs.get(pathname)?.length,
    contentType: "application/octet-stream",
    contentDisposition: "attachment",
    cacheControl: "private",
    uploadedAt: new Date(0).toISOString(),
    etag: `"${pathname}"`,
  });

  const store = (request: IncomingMessage, pathname: string, bytes: Buffer) => {
    if (blobs.has(pathname) && request.headers["x-allow-overwrite"] !== "1") {
      return refusal(400, "bad_request", "This blob already exists");
    }
    blobs.set(pathname, bytes);
    return { status: 200, body: described(pathname) };
  };

  async function multipart(request: IncomingMessage, pathname: string) {
    const header = (name: string) => String(request.headers[`x-mpu-${name}`]);
    if (header("action") === "create") {
      const uploadId = `upload-${uploads.size}`;
      uploads.set(uploadId, new Map());
      return { status: 200, body: { uploadId, key: pathname } };
    }
    const parts = uploads.get(header("upload-id"));
    if (!parts) return refusal(404, "not_found");
    if (header("action") === "upload") {
      parts.set(Number(header("part-number")), await buffer(request));
      return { status: 200, body: { etag: `"part-${header("part-number")}"` } };
    }
    const named = JSON.parse((await buffer(request)).toString()) as { partNumber: number }[];
    const bytes = named.map(({ partNumber }) => parts.get(partNumber) ?? Buffer.alloc(0));
    if (bytes.slice(0, -1).some((part) => part.length < MIN_PART_BYTES)) {
      return refusal(400, "bad_request", "A part is too small");
    }
    return store(request, pathname, Buffer.concat(bytes));
  }

  function list(query: URLSearchParams) {
    const prefix = query.get("prefix") ?? "";
    const keys = [...blobs.keys()].filter((key) => key.startsWith(prefix)).sort();
    // Folded, all that lies in a folder is one entry, which ends in a slash.
    const depth = query.get("mode") === "folded" ? /^[^/]*\/?/ : /^.*/;
    const folded = keys.map((key) => prefix + depth.exec(key.slice(prefix.length))?.[0]);
    const entries = [...new Set(folded)];
    const from = Number(query.get("cursor") ?? 0);
    if (Number.isNaN(from)) return refusal(400, "bad_request", "Invalid cursor");
    const to = from + Math.min(PAGE, Number(query.get("limit") ?? PAGE));
    const page = entries.slice(from, to);
    const hasMore = to < entries.length;
    const body = {
      blobs: page.filter((key) => !key.endsWith("/")).map(described),
      folders: page.filter((key) => key.endsWith("/")),
      ...{ hasMore, ...(hasMore && { cursor: String(to) }) },
    };
    return { status: 200, body };
  }

  async function answer(request: IncomingMessage, url: URL) {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return refusal(403, "forbidden");
    if (failing !== null) return refusal(failing, FAILURES[failing] ?? "unknown_error");
    const pathname = url.searchParams.get("pathname") ?? "";
    const wanted = url.searchParams.get("url");
    switch (`${request.method} ${url.pathname}`) {
      case "PUT /api/":
        return store(request, pathname, await buffer(request));
      case "POST /api/mpu":
        return await multipart(request, pathname);
      case "POST /api/delete": {
        const { urls } = JSON.parse((await buffer(request)).toString()) as { urls: string[] };
        for (const key of urls) blobs.delete(key);
        return { status: 200, body: null };
      }
      case "GET /api":
        if (wanted === null) return list(url.searchParams);
        return blobs.has(wanted)
          ? { status: 200, body: described(wanted) }
          : refusal(404, "not_found");
      default: {
        const bytes = blobs.get(url.pathname.slice(1));
        return bytes ? { status: 200, body: bytes } : refusal(404, "not_found");
      }
    }
  }

  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const access = request.headers["x-vercel-blob-access"];
    const { method = "", url = "" } = request;
    const seen = { method, url, access: access?.toString() };
    requests.push(seen);
    const refused = (await asked?.(seen)) ?? null;
    const { status, body } =
      refused === null
        ? await answer(request, new URL(url || "/", "http://local"))
        : refusal(refused, FAILURES[refused] ?? "unknown_error");
    response.statusCode = status;
    response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.VERCEL_BLOB_API_URL = `${origin}/api`;
  process.env.VERCEL_BLOB_RETRIES = "0";

  await import("@vercel/blob"); // its undici puts a dispatcher in place when there is none
  const original = Reflect.get(globalThis, DISPATCHER) as Dispatcher;
  const redirected: Dispatcher = {
    dispatch(options, handler) {
      const toStore = String(options.origin).endsWith(".private.blob.vercel-storage.com");
      return original.dispatch(toStore ? { ...options, origin } : options, handler);
    },
  };
  Reflect.set(globalThis, DISPATCHER, redirected);

  return {
    requests,
    fail(status) {
      failing = status;
    },
    intercept(hook) {
      asked = hook;
    },
    async close() {
      Reflect.set(globalThis, DISPATCHER, original);
      delete process.env.VERCEL_BLOB_API_URL;
      delete process.env.VERCEL_BLOB_RETRIES;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function refusal(status: number, code: string, message = code) {
  return { status, body: { error: { code, message } } };
}
