import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** One address for several services, each under a name: `/vercel/v9/projects` is `/v9/projects` of `vercel`. */
export async function startRouter(services: Readonly<Record<string, string>>) {
  const server = createServer((incoming, response) => {
    const [, name = "", path = "/"] = /^\/([^/]+)(\/.*)$/.exec(incoming.url ?? "") ?? [];
    const service = services[name];
    if (service === undefined) {
      response.writeHead(502).end(`there is no service ${name}`);
      return;
    }
    const url = new URL(path, service);
    const headers = { ...incoming.headers, host: url.host };
    const onward = request(url, { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    // Whoever is cut off there is cut off here, and the other way round: a service sees when its caller gives up.
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
