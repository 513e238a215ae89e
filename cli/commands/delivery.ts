import * as z from "zod";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { cleanLine, say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";
import { more, type PageOptions, pageQuery } from "./lists.ts";

const text = z.string();

// Loose: --json hands on the rest as it came.
const resource = z.looseObject({
  id: text,
  provider: text,
  resourceType: text,
  externalId: text,
  metadata: z.looseObject({
    name: text.optional(),
    mode: text.optional(),
    removedBy: text.optional(),
  }),
  createdAt: text,
});
const deployment = z.looseObject({
  id: text,
  runId: text,
  status: text,
  deploymentUrl: text,
  startedAt: text,
});
const finding = z.looseObject({
  id: text,
  effectId: text,
  detail: text,
  createdAt: text,
  goneAt: text.nullable(),
});

/** A project's resources at Neon, Upstash and Vercel, newest first. */
export async function listResources(options: PageOptions, context: Context): Promise<void> {
  const page = await pageOf("resources", resource, options, context);
  if (!page) return;
  const rows = page.items.map(({ id, provider, resourceType, externalId, metadata, createdAt }) => [
    ...[id, provider, resourceType, externalId, cleanLine(metadata.name ?? "")],
    ...[metadata.mode ?? "", metadata.removedBy ? "removed" : "", when(createdAt)],
  ]);
  say(table(["RESOURCE", "PROVIDER", "TYPE", "ID THERE", "NAME", "MODE", "", "CREATED"], rows));
  more(page.nextCursor);
}

/** What a project has deployed, newest first. */
export async function listDeployments(options: PageOptions, context: Context): Promise<void> {
  const page = await pageOf("deployments", deployment, options, context);
  if (!page) return;
  const rows = page.items.map(({ id, runId, status, deploymentUrl, startedAt }) => [
    ...[id, status, runId, when(startedAt), deploymentUrl],
  ]);
  say(table(["DEPLOYMENT", "STATUS", "RUN", "STARTED", "ADDRESS"], rows));
  more(page.nextCursor);
}

/** What a project's effects and the outside no longer agree on, newest first. */
export async function listFindings(options: PageOptions, context: Context): Promise<void> {
  const page = await pageOf("findings", finding, options, context);
  if (!page) return;
  const rows = page.items.map(({ id, effectId, detail, createdAt, goneAt }) => [
    ...[id, goneAt === null ? "open" : "gone", effectId, when(createdAt), cleanLine(detail)],
  ]);
  say(table(["FINDING", "STATE", "EFFECT", "FOUND", "WHAT"], rows));
  more(page.nextCursor);
}

/** A page of one of a project's lists; null when everything is said already. */
async function pageOf<T extends z.ZodType>(
  what: "resources" | "deployments" | "findings",
  item: T,
  options: PageOptions,
  { api, settings, json }: Context,
): Promise<{ items: z.output<T>[]; nextCursor: string | null } | null> {
  const project = encodeURIComponent(projectOf(settings));
  const path = `/api/projects/${project}/${what}?${pageQuery(options)}`;
  const page = await api().get(path, answers.page(item));
  if (json) sayJson(page);
  else if (page.items.length === 0) say(`No ${what}.`);
  else return page;
  return null;
}
