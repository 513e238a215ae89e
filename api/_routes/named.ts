import { randomUUID } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { requestId } from "hono/request-id";
import { redactText } from "#lib/redact.ts";
import type { AppEnv } from "./common.ts";

const HEADER = "x-request-id";

/**
 * Gives every request its id: the client's, or ours when that is no plain word, or looks like a secret, since it is
 * logged and answered.
 */
export const namedRequests = [
  requestId({
    headerName: "",
    generator: (c) => {
      const given = c.req.header(HEADER) ?? "";
      return /^[\w=-]{1,255}$/.test(given) && redactText(given) === given ? given : randomUUID();
    },
  }),
  createMiddleware<AppEnv>(async (c, next) => {
    c.header(HEADER, c.var.requestId);
    await next();
  }),
] as const;
