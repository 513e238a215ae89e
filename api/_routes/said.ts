import { z } from "@hono/zod-openapi";
import { instant } from "./common.ts";

/** Something that a caller said, on its way to whoever judges it. */
export const Sent = z
  .object({ eventId: z.string().describe("Names it in decisions and refusals, and in Inngest") })
  .openapi("Sent");

/** Something that was said and did not count. */
export const Refusal = z
  .object({
    at: instant,
    by: z.string(),
    wanted: z.string(),
    reason: z.string().describe("Stable name for programs"),
    detail: z.string(),
    eventId: z.string(),
  })
  .openapi("Refusal");
