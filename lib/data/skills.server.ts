import { and, asc, count, eq, type SQL, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { projectSkills } from "#db/schema.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";

export type Skill = typeof projectSkills.$inferSelect;

/** Of one project: more than a prompt can list. */
export const MAX_SKILLS = 100;

/** Writes a skill, or puts it in the place of the project's one of that name. Texts are redacted. Throws Conflict when a project has too many. */
export async function putSkill(
  input: { projectId: string; name: string; description: string; content: string },
  executor: Executor = db(),
): Promise<Skill> {
  const { projectId, name } = input;
  const texts = { description: redactText(input.description), content: redactText(input.content) };
  return await executor.transaction(async (tx) => {
    // Those who put a project's skills queue here, so that the count holds.
    const lock = JSON.stringify(["skills", projectId]);
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
    const [others] = await tx
      .select({ n: count() })
      .from(projectSkills)
      .where(and(eq(projectSkills.projectId, projectId), sql`not (${named(name)})`));
    if (others && others.n >= MAX_SKILLS) {
      const what = `A project may have ${MAX_SKILLS} skills: delete one first.`;
      throw new Conflict("too_many_skills", what, { projectId });
    }
    const [skill] = await tx
      .insert(projectSkills)
      .values({ id: newId("skill"), projectId, name, ...texts })
      .onConflictDoUpdate({
        target: [projectSkills.projectId, projectSkills.nameNorm],
        set: { name, ...texts, updatedAt: sql`now()` },
      })
      .returning();
    if (!skill) throw new Error("an upsert returned no row");
    return skill;
  });
}

/** A project's own skills by name, without their texts. */
export async function listSkills(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<Pick<Skill, "name" | "description" | "updatedAt">[]> {
  const { name, description, updatedAt, nameNorm } = projectSkills;
  return await executor
    .select({ name, description, updatedAt })
    .from(projectSkills)
    .where(eq(projectSkills.projectId, projectId))
    .orderBy(asc(nameNorm))
    .limit(MAX_SKILLS);
}

/** One of a project's own, by its name in whatever form; null when it has none of that name. */
export async function getSkill(
  { projectId, name }: { projectId: string; name: string },
  executor: Executor = db(),
): Promise<Skill | null> {
  const [skill] = await executor
    .select()
    .from(projectSkills)
    .where(and(eq(projectSkills.projectId, projectId), named(name)));
  return skill ?? null;
}

/** Whether the project had one of that name. */
export async function deleteSkill(
  { projectId, name }: { projectId: string; name: string },
  executor: Executor = db(),
): Promise<boolean> {
  const rows = await executor
    .delete(projectSkills)
    .where(and(eq(projectSkills.projectId, projectId), named(name)))
    .returning({ id: projectSkills.id });
  return rows.length > 0;
}

/** Normalised by the database, as the column is: its idea of lower case is the one that counts. */
function named(name: string): SQL {
  return sql`${projectSkills.nameNorm} = lower(btrim(normalize(${name}, NFKC)))`;
}
