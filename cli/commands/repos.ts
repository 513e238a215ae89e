import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { say, sayJson, table, when } from "../output.ts";
import { projectOf } from "../settings.ts";
import { more, type PageOptions, pageQuery } from "./lists.ts";

/** A project's repositories with how far their code index is, newest first. */
export async function listRepos(options: PageOptions, context: Context): Promise<void> {
  const { api, settings, json } = context;
  const project = encodeURIComponent(projectOf(settings));
  const path = `/api/projects/${project}/repos?${pageQuery(options)}`;
  const page = await api().get(path, answers.page(answers.repo));
  if (json) return sayJson(page);
  if (page.items.length === 0) return say("No repositories.");
  const rows = page.items.map(({ id, owner, name, defaultBranch, index }) => [
    ...[id, `${owner}/${name}`, defaultBranch, index.state, index.commitSha?.slice(0, 12) ?? ""],
    ...[String(index.files), String(index.chunks), index.at ? when(index.at) : ""],
    index.error ?? skippedText(index.skipped),
  ]);
  const heads = [
    "REPOSITORY",
    "NAME",
    "BRANCH",
    "INDEX",
    "COMMIT",
    "FILES",
    "CHUNKS",
    "AT",
    "NOT SEARCHED",
  ];
  say(table(heads, rows));
  more(page.nextCursor);
}

function skippedText(skipped: Readonly<Record<string, number>>): string {
  return Object.entries(skipped)
    .map(([reason, count]) => `${count} ${reason}`)
    .join(", ");
}
