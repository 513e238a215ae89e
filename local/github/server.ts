import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { KEEP_ALIVE_MS, type LocalPart, type PartOptions } from "../part.ts";
import { keptSecret } from "../secret.ts";
import { follow } from "./follow.ts";
import { initRepository } from "./git/refs.ts";
import { githubApp, newPersonalToken } from "./http/app.ts";
import { Rates } from "./http/rate.ts";
import { Service } from "./service.ts";
import { SERVER_HOOK } from "./store/hooks.ts";
import { Deliverer } from "./webhooks.ts";

export interface GithubOptions extends PartOptions {
  /** Hears of everything in every repository, signed with GITHUB_WEBHOOK_SECRET. */
  readonly webhookUrl?: string;
  /** Whose token GITHUB_TOKEN is; `acme` unless said. */
  readonly login?: string;
  /** How many requests an hour each user has; 100,000 unless said. */
  readonly rateLimit?: number;
}

/**
 * Starts the local GitHub: the part of its REST API that README.md lists, clone and push, webhooks; over bare repositories
 * that git itself works on.
 */
export async function startGithub(options: GithubOptions): Promise<LocalPart> {
  const { dir, port = 0, webhookUrl, login = "acme", rateLimit = 100_000 } = options;
  await mkdir(dir, { recursive: true });
  const token = await keptSecret(join(dir, "token"), newPersonalToken);
  const secret = await keptSecret(join(dir, "webhook-secret"));
  const service = new Service(dir, new Rates(rateLimit));
  service.repos.addToken(token, { login, repos: null, permission: "write" });
  if (webhookUrl !== undefined) {
    const all = { events: ["*"], active: true, repo_id: 0, created_at: "" };
    service.serverHook = { id: SERVER_HOOK, url: webhookUrl, secret, ...all };
  }
  const server = createAdaptorServer({ fetch: githubApp(service, token).fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    service.db.close();
    throw error;
  }
  service.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deliverer = new Deliverer(service);
  service.onDelivery = () => deliverer.wake();
  // What moved just before the last end has not been told to anybody yet.
  for (const repo of service.repos.all()) {
    await initRepository(service.dirOf(repo));
    await service.locked(repo, () => follow(service, repo, repo.owner));
  }
  deliverer.wake();
  return {
    name: "github",
    url: service.origin,
    env: { GITHUB_API_URL: service.api, GITHUB_TOKEN: token, GITHUB_WEBHOOK_SECRET: secret },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, deliverer.stop()]);
      await service.idle();
      service.db.close();
    },
  };
}
