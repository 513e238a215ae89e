import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import { serve } from "inngest/node";
import { db } from "#db/client.ts";
import { prepared } from "#db/prepared.ts";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";

/**
 * Ten steps: bare, recorded, and with two statements that do nothing, which is the least that recording can cost. Served by a
 * process of its own with our own client. Its parent is told its URL, and for each function that came to its last line
 * `[event's n, milliseconds since the epoch]`.
 */
const STEPS = 10;

function ended(n: unknown): void {
  process.send?.([n, performance.timeOrigin + performance.now()]);
}

const bare = inngest.createFunction(
  { id: "bare", triggers: { event: "bench/bare" } },
  async ({ event, step }) => {
    for (let i = 0; i < STEPS; i++) await step.run(`step-${i}`, async () => ({ i }));
    ended(event.data.n);
  },
);

const nothing = prepared("nothing", sql`select`);

const empty = inngest.createFunction(
  { id: "empty", triggers: { event: "bench/empty" } },
  async ({ event, step }) => {
    for (let i = 0; i < STEPS; i++) {
      await step.run(`step-${i}`, async () => {
        await nothing(db(), {});
        await nothing(db(), {});
        return { i };
      });
    }
    ended(event.data.n);
  },
);

const recorded = inngest.createFunction(
  { id: "recorded", triggers: { event: "bench/recorded" } },
  async ({ event, step }) => {
    const { n, projectId, runId, inngestRunId } = event.data;
    const recorder = { step, projectId, runId, inngestRunId, phase: "bench" };
    for (let i = 0; i < STEPS; i++) {
      await recordStep(recorder, { id: `step-${i}`, kind: "bench" }, async () => ({ i }));
    }
    ended(n);
  },
);

const functions = [bare, empty, recorded];
const server = createServer(serve({ client: inngest, functions, servePath: "/api/inngest" }));
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exit());
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/inngest`);
