import { createReadStream } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { pipeline } from "node:stream/promises";

/** A directory of plain files, or why there is none. */
export type Root =
  | { readonly dir: string }
  | { readonly missing: "DEPLOYMENT_NOT_READY" | "DEPLOYMENT_NOT_FOUND" };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".pdf": "application/pdf",
};

/** Answers GET and HEAD with files: `index.html` for a directory, `404.html` for what is not there. */
export async function answerStatic(
  root: Root,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(response, 405, "METHOD_NOT_ALLOWED");
  }
  if ("missing" in root) return plain(response, 404, root.missing);
  const segments = segmentsOf(request.url ?? "/");
  if (!segments) return plain(response, 400, "BAD_REQUEST");
  const dir = await realpath(root.dir);
  const found = await fileAt(join(dir, ...segments));
  const file = found ?? (await fileAt(join(dir, "404.html")));
  if (!file) return plain(response, 404, "NOT_FOUND");
  response.writeHead(found ? 200 : 404, {
    "content-type": TYPES[extname(file.path).toLowerCase()] ?? "application/octet-stream",
    "content-length": file.size,
    "cache-control": "public, max-age=0, must-revalidate",
  });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  try {
    await pipeline(createReadStream(file.path), response);
  } catch (error) {
    // Whoever asked may have gone meanwhile.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ERR_STREAM_UNABLE_TO_PIPE") throw error;
  }
}

/** The names in a request's path; null when one of them could lead elsewhere than down. */
export function segmentsOf(url: string): string[] | null {
  try {
    // Split off by hand: parsing it as a URL would resolve `..` and hide it.
    const [path = ""] = url.split(/[?#]/, 1);
    const segments = decodeURIComponent(path).split("/").filter(Boolean);
    const down = segments.every((one) => one !== "." && one !== ".." && !/[\\\0]/.test(one));
    return down ? segments : null;
  } catch {
    return null;
  }
}

/** Links are not followed, at its end or on the way: none is copied into a site either. @param path without links in its root. */
async function fileAt(path: string): Promise<{ path: string; size: number } | null> {
  const real = await realpath(path).catch(absent);
  if (real !== path) return null;
  const info = await lstat(path).catch(absent);
  if (info?.isDirectory()) return await fileAt(join(path, "index.html"));
  return info?.isFile() ? { path, size: info.size } : null;
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ENAMETOOLONG")
    return null;
  throw error;
}

function plain(response: ServerResponse, status: number, code: string): void {
  const body = `${code}\n`;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": body.length,
    "x-vercel-error": code,
  });
  response.end(body);
}
