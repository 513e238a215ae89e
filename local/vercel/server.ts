import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { Rates } from "../github/http/rate.ts";
import { KEEP_ALIVE_MS, type LocalPart, type PartOptions } from "../part.ts";
import { keptSecret } from "../secret.ts";
import { vercelApp } from "./http/app.ts";
import { Service } from "./service.ts";
import { letters } from "./store/ids.ts";
import { Deliverer } from "./webhooks.ts";

export interface VercelOptions extends PartOptions {
  /** Where repositories are fetched from (`http://127.0.0.1:8400`), and as whom. */
  readonly githubUrl: string;
  readonly githubToken: string;
  /** Hears of every deployment, signed with VERCEL_WEBHOOK_SECRET. */
  readonly webhookUrl?: string | undefined;
  /** The team that the token is for; without one a person's own account. */
  readonly teamId?: string | undefined;
  /** How many requests an hour there may be; 100,000 unless said. */
  readonly rateLimit?: number;
  /** How long a build script may run, in milliseconds; two minutes unless said. */
  readonly buildTimeoutMs?: number;
}

/**
 * Starts the local Vercel: the part of its REST API that README.md lists. Deployments are really built, in a sandbox, from the commit
 * that the local GitHub has, and really served.
 */
export async function startVercel(options: VercelOptions): Promise<LocalPart> {
  const { dir, port = 0, githubUrl, githubToken, webhookUrl, teamId } = options;
  const { rateLimit = 100_000, buildTimeoutMs = 120_000 } = options;
  await mkdir(join(dir, "sites"), { recursive: true, mode: 0o700 });
  const token = await keptSecret(join(dir, "token"), () => letters(24));
  const secret = await keptSecret(join(dir, "webhook-secret"));
  const service = new Service({ dir, githubUrl, githubToken, buildTimeoutMs, teamId });
  const app = vercelApp(service, { token, rates: new Rates(rateLimit) });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    service.db.close();
    throw error;
  }
  service.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const hook = webhookUrl === undefined ? null : { url: webhookUrl, secret };
  const deliverer = new Deliverer(service.deliveries, hook);
  service.onDelivery = () => deliverer.wake();
  await service.resume();
  deliverer.wake();
  return {
    name: "vercel",
    url: service.origin,
    env: {
      VERCEL_API_URL: service.origin,
      VERCEL_TOKEN: token,
      VERCEL_WEBHOOK_SECRET: secret,
      ...(teamId !== undefined && { VERCEL_TEAM_ID: teamId }),
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, deliverer.stop(), service.builder.stop()]);
      await service.sites.closeAll();
      service.db.close();
    },
  };
}
