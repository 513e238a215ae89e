import * as z from "zod";
import { InvalidInput } from "../errors.ts";

/** A skill is a page of guidance: only 3,000 tokens of it are ever read. */
export const SKILL_LIMITS = { name: 64, description: 1024, content: 20_000, frontmatter: 4_000 };

/** What a SKILL.md says. */
export interface SkillFile {
  /** Of the frontmatter, when they are there. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** What is behind the frontmatter: what a model reads. */
  readonly body: string;
}

/** Other tools put more into it (licence, version), which is theirs. */
const frontmatter = z.looseObject({
  name: z.string().optional(),
  description: z.string().optional(),
});

const FENCED = /^\uFEFF?---[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?---[ \t]*(?:\r?\n|$)/;

/**
 * Reads a SKILL.md: Markdown, with YAML in front between two lines of `---` or without. Throws InvalidInput when what looks like
 * frontmatter is none: read as text, its name would be lost without a word.
 */
export async function parseSkill(content: string): Promise<SkillFile> {
  const found = FENCED.exec(content);
  if (!found) {
    if (/^\uFEFF?---[ \t]*\r?\n/.test(content))
      throw bad("It begins with --- and has no second ---");
    return { body: content.trim() };
  }
  const [whole, yaml = ""] = found;
  if (yaml.length > SKILL_LIMITS.frontmatter) {
    throw bad(`It may have ${SKILL_LIMITS.frontmatter} characters and has ${yaml.length}`);
  }
  const { name, description } = await readYaml(yaml);
  return { name, description, body: content.slice(whole.length).trim() };
}

async function readYaml(yaml: string): Promise<z.infer<typeof frontmatter>> {
  // Loaded late: most starts never see a skill.
  const {
    default: { parse },
  } = await import("yaml");
  let value: unknown;
  try {
    // No aliases, which can unfold a line into gigabytes; and no types beyond JSON's.
    value = parse(yaml, { maxAliasCount: 0, schema: "core", logLevel: "error", stringKeys: true });
  } catch (cause) {
    const [why = ""] = cause instanceof Error ? cause.message.split("\n", 1) : [];
    throw bad(why, cause);
  }
  const { data, error } = frontmatter.safeParse(value ?? {});
  if (data) return data;
  const [issue] = error.issues;
  const where = issue?.path.join(".");
  throw bad(where ? `${where}: ${issue?.message}` : "It must be fields such as `name: my-skill`");
}

function bad(why: string, cause?: unknown): InvalidInput {
  const what = "The frontmatter of the skill cannot be read.";
  return new InvalidInput("skill_frontmatter", `${what} ${why.replace(/[.:]$/, "")}.`, {}, cause);
}

const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N} ._-]*[\p{L}\p{M}\p{N}])?$/u;

/** A skill's name as it is kept: NFKC, without blanks around it. Throws InvalidInput for what is no name. */
export function skillName(text: string): string {
  const name = text.normalize("NFKC").trim();
  if (NAME.test(name) && name.length <= SKILL_LIMITS.name) return name;
  throw new InvalidInput(
    "skill_name",
    `A skill's name has 1 to ${SKILL_LIMITS.name} letters, digits, blanks, dots, dashes and underscores, and begins and ends with a letter or digit.`,
  );
}

/** By what two names are the same: also the database has them so, where it is what is unique. */
export function normalName(name: string): string {
  return name.normalize("NFKC").trim().toLowerCase();
}
