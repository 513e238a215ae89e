import { Readable } from "node:stream";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { readBundle } from "#lib/bundle/read.ts";
import { ownRun } from "#lib/data/runs.server.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { type AppEnv, forOwners } from "./common.ts";
import { problems } from "./problem.ts";
import { streamed } from "./streamed.ts";

const zip = { schema: { type: "string", format: "binary" } } as const;

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/runs/{runId}/bundle",
  summary: "The audit bundle of a run that has ended, as a ZIP that is verified offline",
  request: { params: z.object({ runId: id }) },
  responses: {
    200: {
      description: "Of the run's newest end; its SHA-256 is the ETag",
      content: { "application/zip": zip },
    },
    304: { description: "It is the one that If-None-Match names" },
    ...problems(401, 404, 409, 422),
  },
});

export const bundleRoutes = new OpenAPIHono<AppEnv>().openapi(read, async (c) => {
  const { runId } = c.req.valid("param");
  const run = await ownRun({ id: runId, ownerUserId: c.var.userId });
  const { sha256, bytes, open } = await readBundle(run);
  const etag = `"${sha256}"`;
  const known = c.req.header("if-none-match")?.split(",");
  if (known?.some((one) => one.trim() === etag)) return c.body(null, 304, { etag });
  const headers = {
    "content-type": "application/zip",
    "content-length": String(bytes),
    // An id has letters, digits, dashes and underscores alone.
    "content-disposition": `attachment; filename="${runId}.bundle.zip"`,
    etag,
  };
  const body = async () => Readable.toWeb(await open()) as ReadableStream<Uint8Array>;
  return await streamed(c, headers, body);
});
