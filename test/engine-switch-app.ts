import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { GET, POST, PUT } from "#api/inngest.ts";
import { inngest } from "#lib/events/client.ts";
import { runPart } from "#local/process.ts";

/** The deployed Inngest endpoint behind a port, and one event sent by the deployed client. */
await runPart(
  async () => {
    const handlers: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
      GET,
      POST,
      PUT,
    };
    const server = createAdaptorServer({
      fetch: (request: Request) =>
        handlers[request.method]?.(request) ?? new Response(null, { status: 405 }),
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/inngest`;
    await inngest.send({ name: "engine-switch/started", data: {} });
    return {
      name: "app",
      url,
      env: {},
      async close() {
        server.close();
      },
    };
  },
  { dir: "." },
);
