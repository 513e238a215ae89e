import * as z from "zod";
import { InvalidInput, NotFound } from "../errors.ts";
import { vercel } from "./client.ts";
import { variableRows } from "./variables.ts";

export type Target = "production" | "preview" | "development";

/** A variable as it may be shown: its value is never read. */
export interface Variable {
  readonly name: string;
  readonly targets: string[];
  readonly comment: string | null;
}

/** A project's variables in the order that Vercel gives. Throws NotFound when there is no such project. */
export async function listVariables(projectId: string, signal: AbortSignal): Promise<Variable[]> {
  const rows = await variableRows(projectId, signal);
  if (!rows) throw new NotFound("vercel_not_found", `Vercel has no project ${projectId}.`);
  return rows.map(({ key: name, target, comment }) => ({
    name,
    targets: typeof target === "string" ? [target] : (target ?? []),
    // Vercel has none, an empty one or null for the same.
    comment: comment ? comment : null,
  }));
}

/** The sorted names of the variables that a target is built and run with. */
export async function variablesFor(
  projectId: string,
  target: Target,
  signal: AbortSignal,
): Promise<string[]> {
  const all = await listVariables(projectId, signal);
  const names = all.filter(({ targets }) => targets.includes(target)).map(({ name }) => name);
  return [...new Set(names)].sort();
}

const made = z.object({
  failed: z.array(
    z.object({
      // Its other fields may hold the value.
      error: z.object({
        code: z.string(),
        envVarKey: z.string().nullish(),
        key: z.string().nullish(),
      }),
    }),
  ),
});

/**
 * Sets variables for one target by one call: new ones, and over those that are there. Their values are encrypted and never shown
 * again. Throws InvalidInput `vercel_variables` that names those which Vercel did not take, and those that it has set.
 */
export async function putVariables(
  projectId: string,
  {
    target,
    variables,
  }: { target: Target; variables: readonly { name: string; value: string; comment: string }[] },
  signal: AbortSignal,
): Promise<void> {
  const names = variables.map(({ name }) => name);
  const { failed } = await vercel({
    what: `set ${names.join(", ")} of the project ${projectId}`,
    ...{ signal, answer: made, secrets: variables.map(({ value }) => value) },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsCreateProjectEnv(
        core,
        {
          ...{ idOrName: projectId, upsert: "true", ...team },
          requestBody: variables.map(({ name: key, value, comment }) => ({
            ...{ key, value, comment, type: "encrypted" as const, target: [target] },
          })),
        },
        options,
      ),
  });
  if (failed.length === 0) return;
  const refused = failed.map(({ error: { code, envVarKey, key } }) => {
    return { name: envVarKey ?? key ?? null, code };
  });
  const which = refused.map(({ name, code }) => `${name ?? "one"} (${code})`).join(", ");
  const set = names.filter((name) => !refused.some((one) => one.name === name)).join(", ");
  // One that Vercel does not name may be any of them.
  const verb = refused.some(({ name }) => name === null) ? "may have" : "has";
  const rest = set && ` It ${verb} set ${set}.`;
  const what = `Vercel did not set ${which} of ${projectId}: look at them there.${rest}`;
  throw new InvalidInput("vercel_variables", what);
}

/** Removes a variable from all of its targets; one that is not there is removed. */
export async function removeVariable(
  projectId: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = (await variableRows(projectId, signal)) ?? [];
  for (const { key, id } of rows) {
    if (key !== name || !id) continue;
    try {
      await vercel({
        what: `remove ${name} of the project ${projectId}`,
        ...{ signal, answer: z.unknown() },
        ask: ({ sdk, core, team, options }) =>
          sdk.projectsRemoveProjectEnv(core, { idOrName: projectId, id, ...team }, options),
      });
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
    }
  }
}
