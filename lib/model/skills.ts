import { readdir, readFile } from "node:fs/promises";
import { getSkill, listSkills } from "../data/skills.server.ts";
import type { SkillSummary, WriteRequest } from "./port.ts";
import { normalName, parseSkill } from "./skill-file.ts";

/** Also in the bundle, beside which bundle.ts puts them. */
const BUNDLED = new URL("skills/", import.meta.url);

export interface BundledSkill extends SkillSummary {
  readonly content: string;
  readonly body: string;
}

let bundled: Promise<readonly BundledSkill[]> | undefined;

/** The skills that every project has, by name. Read once. */
export function bundledSkills(): Promise<readonly BundledSkill[]> {
  bundled ??= readBundled();
  return bundled;
}

async function readBundled(): Promise<BundledSkill[]> {
  const names = (await readdir(BUNDLED)).sort();
  return await Promise.all(
    names.map(async (dir) => {
      const content = await readFile(new URL(`${dir}/SKILL.md`, BUNDLED), "utf8");
      const { name = dir, description = "", body } = await parseSkill(content);
      return { name, description, content, body };
    }),
  );
}

/** A skill of a project as a person sees it: what is bundled, and what the project has of its own. */
export interface ListedSkill extends SkillSummary {
  readonly origin: "bundled" | "project";
  /** Whether a project's own takes the place of a bundled one of the same name. */
  readonly overrides: boolean;
  readonly updatedAt: Date | null;
}

/** All skills of a project, its own first; a bundled one that has an override is left out. */
export async function allSkills(projectId: string): Promise<ListedSkill[]> {
  const [own, all] = await Promise.all([listSkills({ projectId }), bundledSkills()]);
  const taken = new Set(own.map(({ name }) => normalName(name)));
  const names = new Set(all.map(({ name }) => normalName(name)));
  return [
    ...own.map(({ name, description, updatedAt }) => ({
      ...{ name, description, updatedAt, origin: "project" as const },
      overrides: names.has(normalName(name)),
    })),
    ...all
      .filter(({ name }) => !taken.has(normalName(name)))
      .map(({ name, description }) => ({
        ...{ name, description, updatedAt: null, origin: "bundled" as const },
        overrides: false,
      })),
  ];
}

/** For a request to write: names and descriptions, and the body of one when it is asked for. */
export async function skillsOf(
  projectId: string,
): Promise<Required<Pick<WriteRequest, "skills" | "loadSkill">>> {
  const listed = await allSkills(projectId);
  const loadSkill = async (asked: string): Promise<string | null> => {
    const wanted = normalName(asked);
    const skill = listed.find(({ name }) => normalName(name) === wanted);
    if (!skill) return null;
    const own = skill.origin === "project" && (await getSkill({ projectId, name: skill.name }));
    if (own) return (await parseSkill(own.content)).body;
    // Of the project's own, when it was removed meanwhile, what it stood for.
    const all = await bundledSkills();
    return all.find(({ name }) => normalName(name) === wanted)?.body ?? null;
  };
  return { skills: listed.map(({ name, description }) => ({ name, description })), loadSkill };
}
