import { requiredEnv } from "../env.ts";
import { InvalidInput } from "../errors.ts";
import { readProject } from "../vercel/projects.ts";
import { requireProject } from "./decide.ts";
import type { DeployInput, ResourceInput } from "./input.ts";
import { providerOf } from "./providers.ts";
import { TYPES } from "./types.ts";

const TIMEOUT_MS = 20_000;

/**
 * Looks whether a change can be deployed at all, before anything is done: there are tokens for what is to be used, the project at
 * Vercel neither builds another repository nor serves each push by itself, and each resource that is there already answers.
 * Throws InvalidInput.
 */
export async function preflightDeploy(deploy: DeployInput, repository: string): Promise<void> {
  requiredEnv("VERCEL_TOKEN");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  for (const resource of deploy.resources) requireKeys(resource);
  const project = await readProject(deploy.project, signal);
  if (project) await requireProject(project, { repository });
  const assisted = deploy.resources.filter(({ mode }) => mode === "assisted");
  await Promise.all(assisted.map((resource) => requireAnswer(resource, signal)));
}

function requireKeys({ type, mode }: ResourceInput): void {
  if (mode === "manual") return;
  if (TYPES[type].provider === "neon") {
    requiredEnv("NEON_API_KEY");
    return;
  }
  requiredEnv("UPSTASH_EMAIL");
  requiredEnv("UPSTASH_API_KEY");
}

async function requireAnswer(
  { name, type, externalId = "" }: ResourceInput,
  signal: AbortSignal,
): Promise<void> {
  const at = await providerOf(type);
  if (!(await at.read(externalId, signal))) {
    const what = `The ${TYPES[type].title} "${name}" (${externalId}) is not there, or not for our key.`;
    throw new InvalidInput("resource_not_found", what);
  }
  await at.test(externalId, signal);
}
