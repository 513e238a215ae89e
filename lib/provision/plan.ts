import { effectsOfRun } from "../data/effect-lists.server.ts";
import type { Wish } from "../effects/wish.ts";
import { publishOfRun } from "../implementation/artifact.ts";
import { contractText } from "./contract.ts";
import { type DecidedInfra, decideInfra } from "./decide.ts";
import { ENVIRONMENT_STEP, nextStep, PROJECT_STEP, stepOfResource } from "./steps.ts";
import { targetOfRun } from "./target.ts";

const TIMEOUT_MS = 20_000;

/** What has to be made and set before a deployment. Publishes the environment contract, which the plan shows. */
export async function infraWishes(runId: string): Promise<Wish[]> {
  const target = await targetOfRun(runId);
  const decided = await decideInfra(target, AbortSignal.timeout(TIMEOUT_MS));
  const { artifactId: exhibit } = await publishOfRun(target, "ENVIRONMENT_CONTRACT", {
    content: contractText(decided),
    metadata: { project: decided.project.name },
  });
  const [owner = "", repo = ""] = target.repository.split("/");
  const effects = await effectsOfRun({ runId });
  return wishesFor(decided, { runId, owner, repo }).map((wish) => {
    // What was done once and is gone is another step: a confirmed effect is never done again.
    return { ...wish, stepId: nextStep(wish.stepId, effects), exhibit };
  });
}

/** In the order in which they need each other: the project, the resources, and what fills the one from the others. */
export function wishesFor(
  { project, resources }: DecidedInfra,
  { runId, owner, repo }: { runId: string; owner: string; repo: string },
): Wish[] {
  const { name } = project;
  const made = resources.filter(({ action }) => action === "create");
  const filled = resources.flatMap(({ name: resource, type, mode, ours, externalId, variables }) =>
    variables
      .filter(({ action }) => action === "set" || action === "replace")
      .map(({ variable, part, action }) => ({
        ...{ name: variable, type, part, resource, mode, replaces: action === "replace" },
        // Of what this run makes the id is not known when the plan is approved: it is read when it is used.
        externalId: ours ? null : externalId,
      })),
  );
  const environment = {
    ...{ runId, project: name, repository: `${owner}/${repo}`, target: "production" },
    variables: filled,
  };
  return [
    ...(project.action === "create"
      ? [{ stepId: PROJECT_STEP, kind: "vercel.project", params: { project: name, owner, repo } }]
      : []),
    ...made.map(({ name: resource, type, region }) => ({
      ...{ stepId: stepOfResource(resource), kind: type, params: { resource, region } },
    })),
    ...(filled.length > 0
      ? [{ stepId: ENVIRONMENT_STEP, kind: "vercel.environment", params: environment }]
      : []),
  ];
}
