/** The steps by which the effects of provisioning are told apart within a run. */

export const PROJECT_STEP = "infra-project";
export const ENVIRONMENT_STEP = "infra-environment";

/** @param resource what the project calls it. */
export function stepOfResource(resource: string): string {
  return `infra-make-${resource}`;
}
