import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { complain, say, sayJson, table } from "../output.ts";
import { projectOf } from "../settings.ts";

/** Searches a project's documents, artifacts and code, best first. */
export async function search(
  words: readonly string[],
  { limit }: { limit: number },
  { api, settings, json }: Context,
): Promise<void> {
  const projectId = projectOf(settings);
  const query = new URLSearchParams({ projectId, q: words.join(" "), topK: String(limit) });
  const answer = await api().get(`/api/search?${query}`, answers.hits);
  if (answer.warning) complain(answer.warning);
  if (json) return sayJson(answer);
  if (answer.hits.length === 0) return say("Nothing found.");
  const rows = answer.hits.map(({ score, file, key, path, pageStart, text }) => [
    ...[score.toFixed(3), file ?? path ?? key ?? "", pageStart ? String(pageStart) : "-", text],
  ]);
  say(table(["SCORE", "WHERE", "PAGE", "TEXT"], rows));
}
