import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";

/** Which part of a list. */
export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}

/** Approvals that the caller may see, in one project or in all, newest first. */
export async function listApprovals(
  options: PageOptions & { status: string; project?: string },
  { api, json }: Context,
): Promise<void> {
  const { status, project } = options;
  const query = pageQuery(options, {
    ...(status === "all" ? {} : { status }),
    ...(project ? { projectId: project } : {}),
  });
  const page = await api().get(`/api/approvals?${query}`, answers.page(answers.approval));
  if (json) return sayJson(page);
  if (page.items.length === 0) return say(`No approvals (status: ${status}).`);
  const rows = page.items.map((a) => [
    ...[a.id, a.status, a.scope, a.requestedBy, when(a.expiresAt), a.intentSummary],
  ]);
  say(table(["APPROVAL", "STATUS", "SCOPE", "ASKED FOR BY", "EXPIRES", "WHAT"], rows));
  more(page.nextCursor);
}

/** A project's runs, newest first. */
export async function listRuns(options: PageOptions, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const project = encodeURIComponent(projectOf(settings));
  const path = `/api/projects/${project}/runs?${pageQuery(options)}`;
  const page = await api().get(path, answers.page(answers.run));
  if (json) return sayJson(page);
  if (page.items.length === 0) return say("No runs.");
  const rows = page.items.map((r) => [
    ...[r.id, r.status, r.kind, r.mode, r.requestedBy, when(r.createdAt), r.error ?? ""],
  ]);
  say(table(["RUN", "STATUS", "KIND", "MODE", "ASKED FOR BY", "CREATED", "ERROR"], rows));
  more(page.nextCursor);
}

/** What a project has changed or would change in other systems, newest first. */
export async function listEffects(options: PageOptions, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const project = encodeURIComponent(projectOf(settings));
  const path = `/api/projects/${project}/effects?${pageQuery(options)}`;
  const page = await api().get(path, answers.page(answers.effect));
  if (json) return sayJson(page);
  if (page.items.length === 0) return say("No effects.");
  say(effectTable(page.items));
  more(page.nextCursor);
}

export function effectTable(
  effects: readonly {
    id: string;
    status: string;
    kind: string;
    stepId: string;
    externalUrl: string | null;
    externalId: string | null;
    error: string | null;
  }[],
): string {
  const rows = effects.map((e) => [
    ...[e.id, e.status, e.kind, e.stepId, e.externalUrl ?? e.externalId ?? e.error ?? ""],
  ]);
  return table(["EFFECT", "STATUS", "KIND", "STEP", "OUTSIDE"], rows);
}

export function pageQuery({ limit, cursor }: PageOptions, more: Record<string, string> = {}) {
  const query = new URLSearchParams({ limit: String(limit), ...more });
  if (cursor !== undefined) query.set("cursor", cursor);
  return query;
}

export function more(nextCursor: string | null): void {
  if (nextCursor !== null) say(`… and older ones: --cursor ${nextCursor}`);
}
