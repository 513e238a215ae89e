import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "inngest/node";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";

/**
 * Ten steps, bare and recorded, served by a process of its own with our own client. Its parent is told its URL, and for
 * each function that came to its last line `[event's n, milliseconds since the epoch]`.
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

const functions = [bare, recorded];
const server = createServer(serve({ client: inngest, functions, servePath: "/api/inngest" }));
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exit());
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/inngest`);
