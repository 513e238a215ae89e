import type { DecidedInfra } from "./decide.ts";

/** Names of what is not there yet of all that a deployment needs. */
export function missingOf({ project, resources, variables }: DecidedInfra): string[] {
  return [
    ...(project.action === "create" ? [project.name] : []),
    ...resources.flatMap(({ name, externalId, variables: filled }) => [
      ...(externalId === null ? [name] : []),
      ...filled
        .filter(({ action }) => action === "set" || action === "person")
        .map(({ variable }) => variable),
    ]),
    ...variables.filter(({ there }) => !there).map(({ variable }) => variable),
  ];
}
