import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Inngest } from "inngest";
import { serve } from "inngest/node";
import type { LocalPart, PartOptions } from "../part.ts";
import { partOptions, runPart } from "../process.ts";

/**
 * An SDK app in a process of its own, for the tests that kill it or the engine. It reads `INNGEST_DEV` and nothing
 * else. Each execution of a step leaves a line `<run> <step>` in `<dir>/ran`.
 */
async function startApp({ dir, port }: PartOptions): Promise<LocalPart> {
  const client = new Inngest({
    id: "killed",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const ran = (runId: string, step: string) => {
    appendFileSync(join(dir, "ran"), `${runId} ${step}\n`);
    return step;
  };
  const child = client.createFunction({ id: "child" }, async ({ step, runId, event }) => {
    await step.run("child-1", () => ran(runId, "child-1"));
    await step.run("child-2", () => ran(runId, "child-2"));
    return (event.data as { n: number }).n;
  });
  const parent = client.createFunction(
    { id: "parent", triggers: { event: "kill/start" }, concurrency: { limit: 20 } },
    async ({ step, runId, event }) => {
      await step.run("one", () => ran(runId, "one"));
      await step.sleep("nap", "1s");
      await Promise.all(["left", "right"].map((id) => step.run(id, () => ran(runId, id))));
      const go = await step.waitForEvent("go", {
        event: "kill/go",
        match: "data.n",
        timeout: "1h",
      });
      const echo = await step.invoke("child", { function: child, data: { n: event.data.n } });
      await step.run("last", () => ran(runId, "last"));
      return [go?.data.n, echo];
    },
  );
  const server = createServer(
    serve({ client, functions: [parent, child], servePath: "/api/inngest" }),
  );
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/inngest`;
  return {
    name: "app",
    url,
    env: {},
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

await runPart(startApp, partOptions(process.argv, "."));
