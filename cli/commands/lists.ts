import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";

/** Approvals that the caller may see, newest first. */
export async function listApprovals(
  { status, limit }: { status: string; limit: number },
  { api, settings, json }: Context,
): Promise<void> {
  const { project } = settings;
  const query = new URLSearchParams({
    limit: String(limit),
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
export async function listRuns({ limit }: { limit: number }, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const path = `/api/projects/${encodeURIComponent(projectOf(settings))}/runs?limit=${limit}`;
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
export async function listEffects({ limit }: { limit: number }, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const path = `/api/projects/${encodeURIComponent(projectOf(settings))}/effects?limit=${limit}`;
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

function more(nextCursor: string | null): void {
  if (nextCursor !== null) say("… and older ones: raise --limit, or read pages with --json.");
}
