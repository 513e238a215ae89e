import { readArtifact } from "../data/artifacts.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { inline } from "../markdown.ts";
import type { Json } from "./definition.ts";

/** One change of a plan as a person is to see it. */
export interface PlannedChange {
  readonly kind: string;
  readonly summary: string;
  readonly intent: Json;
  /** The intent that was planned for this step before, when there was another. */
  readonly before?: Json | undefined;
  /** The id of an artifact to be shown with it. */
  readonly exhibit?: string | undefined;
}

/** A plan with what its changes are to be shown with. Throws NotFound when an exhibit is not there. */
export async function documentOf(
  plan: { scope: string; intentHash: string; changes: readonly PlannedChange[] },
  tx: Tx,
): Promise<string> {
  const ids = [...new Set(plan.changes.flatMap(({ exhibit }) => exhibit ?? []))];
  const shown: string[] = [];
  for (const id of ids) shown.push((await readArtifact({ id }, tx)).content);
  return [planDocument(plan), ...shown].join("\n");
}

/**
 * A plan as Markdown: what would be done, each change with exactly the fields that are hashed, and what differs from the
 * plan before. Says nothing of when or by whom, so that the same plan is the same artifact version.
 */
export function planDocument(plan: {
  scope: string;
  intentHash: string;
  changes: readonly PlannedChange[];
}): string {
  const changes = plan.changes.map(
    (change, index) =>
      `## ${index + 1}. ${inline(change.summary)}\n\nKind: \`${change.kind}\`\n\n${fields(change)}\n`,
  );
  return [
    `# Plan for ${plan.scope}\n`,
    `${plan.changes.length} change(s). An approval of this plan is bound to the intent hash`,
    `\`${plan.intentHash}\`.\n`,
    ...changes,
  ].join("\n");
}

/** The intent's fields, one a line; those that were different before with both values, as in a diff. */
function fields({ intent, before }: PlannedChange): string {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(intent)])].sort();
  const lines = names.flatMap((name) => {
    const now = line(name, intent[name]);
    if (!before) return [`+ ${now}`];
    const then = line(name, before[name]);
    if (now === then) return [`  ${now}`];
    return [name in before ? `- ${then}` : [], name in intent ? `+ ${now}` : []].flat();
  });
  return `\`\`\`diff\n${lines.join("\n")}\n\`\`\``;
}

/** JSON on one line, so that no value can look like the end of the block or like another field. */
function line(name: string, value: unknown): string {
  return `${name}: ${JSON.stringify(value)?.replaceAll("`", "\\u0060") ?? "(none)"}`;
}
