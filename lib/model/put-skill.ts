import { putSkill, type Skill } from "../data/skills.server.ts";
import { InvalidInput } from "../errors.ts";
import { redactText } from "../redact.ts";
import { normalName, parseSkill, SKILL_LIMITS, skillName } from "./skill-file.ts";

/**
 * Puts a SKILL.md into a project under `name`. Its frontmatter may say the name, which has to be the same but for case and
 * form, and the description; without one there, it has to be given. Throws InvalidInput that says what to change, and Conflict
 * when the project has too many skills.
 */
export async function saveSkill(input: {
  projectId: string;
  name: string;
  content: string;
  description?: string | undefined;
}): Promise<Skill> {
  const { projectId } = input;
  const asked = skillName(input.name);
  bounded("content", input.content, SKILL_LIMITS.content);
  // As it is kept and read: what takes the place of a secret need not be YAML there.
  const content = redactText(input.content);
  const file = await parseSkill(content);
  const name = file.name === undefined ? asked : skillName(file.name);
  if (normalName(name) !== normalName(asked)) {
    throw new InvalidInput(
      "skill_name",
      `The frontmatter names the skill "${name}": put it under that name, or change the frontmatter.`,
    );
  }
  const description = (file.description ?? input.description ?? "").replace(/\s+/g, " ").trim();
  if (description === "") {
    const what = "A skill needs a description, by which a model decides whether to read it";
    throw new InvalidInput("skill_description", `${what}: say it in the frontmatter or beside it.`);
  }
  bounded("description", description, SKILL_LIMITS.description);
  if (file.body === "") {
    throw new InvalidInput("skill_content", "The skill says nothing behind its frontmatter.");
  }
  return await putSkill({ projectId, name, description, content });
}

function bounded(what: "content" | "description", text: string, most: number): void {
  if (!text.isWellFormed() || text.includes("\0")) {
    throw new InvalidInput(`skill_${what}`, `The ${what} of a skill must be Unicode without NUL.`);
  }
  if (text.length <= most) return;
  throw new InvalidInput(
    `skill_${what}`,
    `The ${what} of a skill may have ${most} characters and has ${text.length}: shorten it.`,
  );
}
