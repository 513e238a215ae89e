import * as z from "zod";
import { succeededStep } from "../data/run-steps.server.ts";
import { readRun } from "../data/runs.server.ts";
import { InvalidInput } from "../errors.ts";
import type { RepoName } from "../github/branches.ts";
import { outputOf } from "../runs/record.ts";
import { JOBS, type RepositoryInput, repositoryInput } from "./input.ts";

/** Where a run's change belongs, as its preflight found it. */
export const basisSchema = z.object({
  repoId: z.string(),
  owner: z.string(),
  repo: z.string(),
  cloneUrl: z.string(),
  baseBranch: z.string(),
  /** The commit that the change is made against. */
  base: z.string(),
  /** The artifacts that it implements, each at the version that was the newest, or was named. */
  artifacts: z.array(
    z.object({ id: z.string(), kind: z.string(), logicalKey: z.string(), version: z.number() }),
  ),
});
export type Basis = z.infer<typeof basisSchema>;

/** An artifact of a run, as it is announced: one of each kind for a run, in as many versions as it had to be made anew. */
export const runArtifact = z.object({
  projectId: z.string(),
  runId: z.string(),
  artifactId: z.string(),
  kind: z.enum([
    "IMPLEMENTATION_PLAN",
    "PATCHSET",
    "VERIFICATION_REPORT",
    "ENVIRONMENT_CONTRACT",
    "INFRA_INSTRUCTIONS",
  ]),
  logicalKey: z.string(),
  version: z.number(),
});
export type RunArtifact = z.infer<typeof runArtifact>;

/** A change that was made, before anybody verified it. */
export const patchSchema = z.object({
  /** The git id of the whole content. */
  tree: z.string(),
  /** Where its files are kept. */
  patchset: z.string(),
  files: z.number(),
  /** What has to succeed on it in the sandbox. */
  jobs: z.array(z.object({ check: z.enum(JOBS), command: z.array(z.string()) })),
  artifact: runArtifact,
});
export type Patch = z.infer<typeof patchSchema>;

/** What verification came to. */
export const reportSchema = z.object({
  artifact: runArtifact,
  checks: z.array(z.object({ check: z.string(), isolation: z.string(), seconds: z.number() })),
});
export type Report = z.infer<typeof reportSchema>;

export interface RunIds {
  readonly projectId: string;
  readonly runId: string;
}

/** What a run was asked for; it was checked when it was accepted. */
export async function inputOf(runId: string): Promise<RepositoryInput> {
  const { input } = await readRun({ id: runId });
  return repositoryInput.parse(input);
}

/** What earlier phases of a run found out, from the step ledger: the row is the truth, also for a run that is resumed. */
export const basisOf = (runId: string) => fact(runId, "preflight/check", basisSchema);
export const patchOf = (runId: string) => fact(runId, "patch/make", patchSchema);
export const reportOf = (runId: string) => fact(runId, "verify/report", reportSchema);
/** Null for a run that has not been verified. */
export const knownReport = (runId: string) => known(runId, "verify/report", reportSchema);

/** What a step of a run has come to. Throws InvalidInput (`phase_missing`) before it has. */
export async function fact<T>(runId: string, stepId: string, schema: z.ZodType<T>): Promise<T> {
  const found = await known(runId, stepId, schema);
  if (found === null) throw new InvalidInput("phase_missing", `${stepId} has not been done.`);
  return found;
}

async function known<T>(runId: string, stepId: string, schema: z.ZodType<T>): Promise<T | null> {
  const step = await succeededStep({ runId, stepId });
  return step && schema.parse(await outputOf(step));
}

export function nameOf({ owner, repo }: Basis): RepoName {
  return { owner, repo };
}

/** The branch of a run: nobody else's has its name. */
export function branchOf(runId: string): string {
  return `countersign/${runId}`;
}
