import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Inngest } from "inngest";
import { serve } from "inngest/node";

/**
 * An SDK app in a process of its own, the same for every server: it reads `INNGEST_DEV` alone. Its parent is told its
 * URL, and for each function that came to its last line `[event's n, milliseconds since the epoch]`.
 */
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const client = new Inngest({ id: "engine-bench", logger: silent });

const now = () => performance.timeOrigin + performance.now();

function ended(n: unknown): void {
  process.send?.([n, now()]);
}

function sequence(id: string, steps: number) {
  return client.createFunction(
    { id, triggers: { event: `bench/${id}` } },
    async ({ event, step }) => {
      for (let i = 0; i < steps; i++) await step.run(`step-${i}`, () => i);
      ended(event.data.n);
    },
  );
}

const waiter = client.createFunction(
  { id: "waiter", triggers: { event: "bench/wait" } },
  async ({ event, step }) => {
    const go = { event: "bench/go", match: "data.n", timeout: "1h" };
    const woken = await step.waitForEvent("go", go);
    if (woken) ended(event.data.n);
  },
);

const functions = [sequence("one", 1), sequence("three", 3), sequence("ten", 10), waiter];
const server = createServer(serve({ client, functions, servePath: "/api/inngest" }));
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exit());
process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/inngest`);
