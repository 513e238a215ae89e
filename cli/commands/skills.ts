import { errorMessage } from "#lib/errors.ts";
import { skillName } from "#lib/model/skill-file.ts";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { readInput } from "../input.ts";
import { say, sayJson, table } from "../output.ts";
import { projectOf } from "../settings.ts";

/** The skills that a project has: its own, then the bundled ones that it does not override. */
export async function listSkills(context: Context): Promise<void> {
  const answer = await context.api().get(pathOf(context), answers.skills);
  if (context.json) return sayJson(answer);
  const rows = answer.items.map(({ name, origin, overrides, description }) => [
    ...[name, overrides ? `${origin}, overrides` : origin, description],
  ]);
  say(table(["SKILL", "FROM", "DESCRIPTION"], rows));
}

/** Puts a SKILL.md into a project, in the place of the one that had its name. Throws Failure when it is refused. */
export async function putSkill(
  name: string,
  file: string,
  { description }: { description?: string },
  context: Context,
): Promise<void> {
  const path = pathOf(context, name);
  const content = await readInput(file);
  const body = { content, ...(description !== undefined && { description }) };
  const saved = await context.api().put(path, body, answers.skill);
  if (context.json) sayJson(saved);
  else say(`Saved ${saved.name}: ${saved.description}`);
}

/** Deletes a skill of a project's own; a bundled one of that name is there again. */
export async function deleteSkill(name: string, context: Context): Promise<void> {
  await context.api().delete(pathOf(context, name));
  if (context.json) sayJson({ name, deleted: true });
  else say(`Deleted ${name}.`);
}

function pathOf({ settings }: Context, name?: string): string {
  const all = `/api/projects/${encodeURIComponent(projectOf(settings))}/skills`;
  return name === undefined ? all : `${all}/${encodeURIComponent(checked(name))}`;
}

/** Here and not only there: `..` would be another address. */
function checked(name: string): string {
  try {
    return skillName(name);
  } catch (error) {
    throw new Failure(EXIT.usage, errorMessage(error));
  }
}
