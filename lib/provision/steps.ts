import type { Effect } from "../data/effects.server.ts";

/** The steps by which the effects of provisioning are told apart within a run. */

export const PROJECT_STEP = "infra-project";
export const ENVIRONMENT_STEP = "infra-environment";

/** @param resource what the project calls it. */
export function stepOfResource(resource: string): string {
  return `infra-make-${resource}`;
}

/** The confirmed effect of a step, the last one where it had to be done anew; null when there is none. */
export function newestOf(step: string, effects: readonly Effect[]): Effect | null {
  const done = effects.filter(({ stepId, status }) => status === "confirmed" && isOf(step, stepId));
  return done.toSorted((a, b) => nth(a.stepId) - nth(b.stepId)).at(-1) ?? null;
}

/** The name of a step that is to be done, again where it was confirmed before: `infra-environment`, `infra-environment.2`. */
export function nextStep(step: string, effects: readonly Effect[]): string {
  const done = newestOf(step, effects);
  return done ? `${step}.${nth(done.stepId) + 1}` : step;
}

function isOf(step: string, stepId: string): boolean {
  return stepId === step || (stepId.startsWith(`${step}.`) && nth(stepId) > 1);
}

/** No name of ours has a dot, so that it only stands before a number. */
function nth(stepId: string): number {
  return Number(/\.(\d+)$/.exec(stepId)?.[1] ?? 1);
}
