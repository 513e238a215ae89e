import * as z from "zod";
import { apiOf } from "../bodies/repository.ts";
import { bodyOf, type Call, callerOf, paged, repoToRead, repoToWrite } from "../http/call.ts";
import { invalid } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import type { HookRow } from "../store/hooks.ts";
import type { RepoRow } from "../store/repos.ts";

const newHook = z.object({
  config: z.object({
    url: z.url({ protocol: /^https?$/ }).max(2000),
    content_type: z.literal("json"),
    secret: z.string().max(500).optional(),
  }),
  events: z.array(z.string().max(100)).min(1).max(100).default(["push"]),
  active: z.boolean().default(true),
});

export const hooks: Route[] = [
  route("POST /repos/{owner}/{repo}/hooks", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const { config, events, active } = await bodyOf(call, newHook);
    const { url, secret = null } = config;
    const hook = service.hooks.create({ repo_id: repo.id, url, secret, events, active });
    if (!hook) {
      const message = "Hook already exists on this repository";
      throw invalid({ resource: "Hook", code: "custom", message });
    }
    const data = hookBody(call, repo, hook);
    const ping = { zen: "Local.", hook_id: hook.id, hook: data };
    service.hooks.enqueue(hook.id, "ping", JSON.stringify(ping));
    service.onDelivery();
    return { status: 201, data };
  }),

  route("GET /repos/{owner}/{repo}/hooks", async (call) => {
    const repo = repoToRead(call);
    callerOf(call);
    const { items, headers } = paged(call, call.service.hooks.ofRepo(repo.id));
    return { headers, data: items.map((hook) => hookBody(call, repo, hook)) };
  }),
];

function hookBody({ service }: Call, repo: RepoRow, hook: HookRow) {
  const url = `${apiOf(service, repo)}/hooks/${hook.id}`;
  return {
    type: "Repository",
    id: hook.id,
    name: "web",
    active: hook.active,
    events: [...hook.events],
    config: {
      url: hook.url,
      content_type: "json",
      insecure_ssl: "0",
      // Never told again.
      ...(hook.secret !== null && { secret: "********" }),
    },
    updated_at: hook.created_at,
    created_at: hook.created_at,
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: "unused", message: null },
  };
}
