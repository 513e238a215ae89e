import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";

/** The ways in which every local service can be told to fail. */
export const TRANSPORT_FAULTS = [
  "before",
  "after",
  "error500",
  "hang",
  "hang-after",
  "close",
  "close-after",
  "rate",
  "delayed-reads",
] as const;

export interface TransportFault {
  readonly fault: (typeof TRANSPORT_FAULTS)[number];
  readonly ms?: number | undefined;
}

/** Which requests of a REST API a fault strikes, and how often: fields of the body that orders one. */
export const struckRequests = {
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).optional(),
  /** A part of the request's path, such as `/merge`; absent: any. */
  path: z.string().max(500).default(""),
  times: z.int().min(1).max(1_000_000).default(1),
  ms: z.int().min(0).max(600_000).optional(),
  /** Without it: `any` when a method is named or for `error500`, otherwise `write`. */
  on: z.enum(["write", "read", "any"]).optional(),
};

/**
 * Does `work` in the way that `fault` says, and returns the answer, if the caller gets one at all.
 * @param incoming the request as Node has it, whose socket some faults close.
 * @param how.work what was asked for; it gets how long readers do not see what it creates, in milliseconds.
 * @param how.failed the service's answer for a failure of its own, @param how.limited for too many requests.
 */
export async function struck(
  fault: TransportFault | undefined,
  incoming: IncomingMessage,
  how: {
    work: (readDelayMs: number) => Response | Promise<Response>;
    failed: (fault: "before" | "after" | "error500") => Response;
    limited: () => Response;
  },
): Promise<Response> {
  const cut = () => {
    // Nobody hears this answer: the socket is closed.
    incoming.socket.destroy();
    return how.failed("error500");
  };
  switch (fault?.fault) {
    case undefined:
      return await how.work(0);
    case "delayed-reads":
      return await how.work(fault.ms ?? 1000);
    case "rate":
      return how.limited();
    case "before":
    case "error500":
      return how.failed(fault.fault);
    case "after":
      await how.work(0);
      return how.failed("after");
    case "hang-after":
      await how.work(0);
      await untilGone(incoming, fault.ms);
      return cut();
    case "hang":
      await untilGone(incoming, fault.ms);
      return cut();
    case "close-after":
      await how.work(0);
      return cut();
    case "close":
      return cut();
  }
}

/** Until the caller gives up, or for `ms`. */
async function untilGone(incoming: IncomingMessage, ms: number | undefined): Promise<void> {
  const { socket } = incoming;
  if (socket.destroyed) return;
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  if (ms === undefined) return await gone;
  const over = new AbortController();
  await Promise.race([gone, sleep(ms, undefined, { signal: over.signal })]);
  over.abort();
}
