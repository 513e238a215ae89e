import * as z from "zod";
import { Unavailable } from "../errors.ts";
import { vercelOrNull } from "./client.ts";

const rows = z.object({
  envs: z.array(
    z.object({
      id: z.string().nullish(),
      key: z.string().min(1),
      type: z.string(),
      value: z.string().nullish(),
      target: z.union([z.string(), z.array(z.string())]).nullish(),
      comment: z.string().nullish(),
    }),
  ),
  pagination: z.object({ next: z.union([z.string(), z.number()]).nullish() }).nullish(),
});
export type VariableRow = z.infer<typeof rows>["envs"][number];

/**
 * A project's variables as Vercel lists them; null when there is no such project. Encrypted values are not decrypted. Vercel gives all in
 * one answer: its API has no way to ask for the next page, so a list that says it is only a part is an error.
 */
export async function variableRows(
  projectId: string,
  signal: AbortSignal,
): Promise<VariableRow[] | null> {
  const found = await vercelOrNull({
    what: `list the variables of the project ${projectId}`,
    ...{ signal, answer: rows },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsFilterProjectEnvs(
        core,
        { idOrName: projectId, decrypt: "false", ...team },
        options,
      ),
  });
  if (!found) return null;
  if (found.pagination?.next === null || found.pagination?.next === undefined) return found.envs;
  const what = `Vercel lists only part of the variables of ${projectId}: remove some there.`;
  throw new Unavailable("vercel_answer", what);
}
