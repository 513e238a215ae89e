import { type DeployInput, wantedOf } from "./input.ts";

/** Where a repository says which variables it needs, without their values. */
export const ENV_EXAMPLE = ".env.example";

/** The names of all variables that a deployment gives to its app, sorted. */
export function namesOf({ resources, variables }: DeployInput): string[] {
  return [...variables, ...resources.flatMap(wantedOf).map(({ variable }) => variable)].sort();
}

/**
 * The text of `.env.example` with all names in it; null when it has them already. A line that is commented out names its variable
 * as well.
 * @param text as it is; empty when there is none.
 */
export function withNames(text: string, names: readonly string[]): string | null {
  const there = new Set(
    [...text.matchAll(/^[ \t#]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=/gm)].map(
      ([, name]) => name,
    ),
  );
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return null;
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${before}${missing.map((name) => `${name}=\n`).join("")}`;
}
