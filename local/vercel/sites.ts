import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { freePort } from "../free-port.ts";
import { answerStatic, type Root } from "./static.ts";

const MAX_TRIES = 5;

/** What is served: each deployment, and each project's production, on a port of its own. */
export class Sites {
  readonly #servers = new Map<string, Server>();

  /**
   * Serves on this port, when it is free, otherwise on another one, and returns it. @param key by which it is closed.
   * @param rootOf what is served now, asked with each request.
   */
  async open(key: string, port: number, rootOf: () => Root): Promise<number> {
    for (let n = 0; n < MAX_TRIES; n++) {
      const wanted = n === 0 && port !== 0 ? port : await freePort();
      const server = createServer((request, response) => {
        answerStatic(rootOf(), request, response).catch((error) => {
          console.error("vercel site:", error);
          response.destroy();
        });
      });
      server.listen(wanted, "127.0.0.1");
      try {
        await once(server, "listening");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") continue;
        throw error;
      }
      this.#servers.set(key, server);
      return wanted;
    }
    throw new Error(`no port was free in ${MAX_TRIES} tries`);
  }

  async close(key: string): Promise<void> {
    const server = this.#servers.get(key);
    if (!server) return;
    this.#servers.delete(key);
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((key) => this.close(key)));
  }
}

/** The host name of a site, as Vercel's answers have it: without a scheme. */
export function hostOf(port: number): string {
  return `127.0.0.1:${port}`;
}
