import { Inngest } from "inngest";
import { sdkLogger } from "./logger.ts";
import { ErrorMiddleware, LogMiddleware } from "./middleware.ts";

/**
 * The one Inngest client. Where it sends to and what it trusts comes from the SDK's own variables alone: `INNGEST_DEV` for
 * any server on a laptop, `INNGEST_EVENT_KEY` and `INNGEST_SIGNING_KEY` in production.
 */
export const inngest = new Inngest({
  id: "countersign",
  logger: sdkLogger,
  middleware: [LogMiddleware, ErrorMiddleware],
  // Steps run one after the other in one request for as long as this; below the platform's limit of one request (300 s),
  // because a step that has begun is finished first.
  checkpointing: { maxRuntime: "20s" },
});
