import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";
import { more, type PageOptions, pageQuery } from "./lists.ts";

/** The latest version of each artifact of a project, newest first. */
export async function listArtifacts(options: PageOptions, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const project = encodeURIComponent(projectOf(settings));
  const path = `/api/projects/${project}/artifacts?${pageQuery(options)}`;
  const page = await api().get(path, answers.page(answers.artifact));
  if (json) return sayJson(page);
  if (page.items.length === 0) return say("No artifacts. A run of kind research writes some.");
  const rows = page.items.map((a) => [
    ...[a.id, a.kind, String(a.version), a.stale ? "stale" : "", when(a.createdAt), a.logicalKey],
  ]);
  say(table(["ARTIFACT", "KIND", "VERSION", "", "CREATED", "KEY"], rows));
  more(page.nextCursor);
}

/** One version of an artifact: its text, and which of its sources have changed since. */
export async function showArtifact(id: string, { api, json }: Context): Promise<void> {
  const artifact = await api().get(
    `/api/artifacts/${encodeURIComponent(id)}`,
    answers.artifactDetail,
  );
  if (json) return sayJson(artifact);
  say(artifact.content.trimEnd());
  const outdated = artifact.citations.filter((citation) => citation.outdated);
  if (outdated.length === 0) return;
  const numbers = outdated.map(({ ordinal }) => `[${ordinal}]`).join(" ");
  say(`\nStale: what ${numbers} cite was removed or has changed since. A new run writes it anew.`);
}
