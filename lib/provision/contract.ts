import { inline, list, paragraphs } from "../markdown.ts";
import type { DecidedInfra, DecidedResource, DecidedVariable } from "./decide.ts";
import { TYPES } from "./types.ts";

const RESOURCE_ACTIONS: Readonly<Record<DecidedResource["action"], string>> = {
  create: "to be created",
  reuse: "there, to be used as it is",
  person: "made by a person",
};

const VARIABLE_ACTIONS: Readonly<Record<DecidedVariable["action"], string>> = {
  set: "to be set",
  replace: "to be set instead of another value",
  keep: "there already",
  person: "to be set by a person",
};

/**
 * What a target app is given in production: its resources, and where the value of each variable comes from. Names and sources only:
 * values go from their provider to Vercel and nowhere else.
 */
export function contractText({ project, resources, variables }: DecidedInfra): string {
  return paragraphs(
    `# Environment contract: production of "${inline(project.name)}" at Vercel`,
    project.action === "create" ? "The project is to be created." : "The project is there.",
    "## Resources",
    list(resources.map(resourceLine)) || "None.",
    "## Variables",
    list([
      ...resources.flatMap(({ name, variables: filled }) =>
        filled.map(
          ({ variable, part, action }) =>
            `\`${variable}\`: the ${part} of ${inline(name)}; ${VARIABLE_ACTIONS[action]}`,
        ),
      ),
      ...variables.map(
        ({ variable, there }) =>
          `\`${variable}\`: set by people; ${VARIABLE_ACTIONS[there ? "keep" : "person"]}`,
      ),
    ]) || "None.",
  );
}

function resourceLine({ name, type, mode, region, action, externalId }: DecidedResource): string {
  const which = externalId === null ? "" : `, \`${externalId}\``;
  return `${inline(name)}: ${TYPES[type].title} in ${region}${which}; ${mode}, ${RESOURCE_ACTIONS[action]}`;
}
