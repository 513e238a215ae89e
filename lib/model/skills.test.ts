import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { createProject } from "../data/projects.server.ts";
import { deleteSkill, MAX_SKILLS, putSkill } from "../data/skills.server.ts";
import { saveSkill } from "./put-skill.ts";
import { parseSkill, SKILL_LIMITS } from "./skill-file.ts";
import { allSkills, bundledSkills, skillsOf } from "./skills.ts";

let database: TestDatabase;
const P = "skilled";
beforeAll(async () => {
  database = await testDatabase();
  for (const id of [P, "full"]) await createProject({ id, ownerUserId: "o", name: id, slug: id });
});
afterAll(() => database.close());

const skill = (name: string, body = "Be brief.") =>
  `---\nname: ${name}\ndescription: How to ${name}\nlicense: MIT\n---\n\n${body}\n`;

test("the bundled skills have names, descriptions and texts that a model can be given whole", async () => {
  const all = await bundledSkills();
  expect(all.map(({ name }) => name)).toEqual([
    ...["decision-records", "requirements-writing", "threat-modelling"],
  ]);
  const { countTokens } = await import("../ingest/chunk/tokens.ts");
  for (const { description, body } of all) {
    expect(description.length).toBeGreaterThan(20);
    expect(body).toMatch(/^# /);
    expect(countTokens(body)).toBeLessThan(3000);
  }
});

test("a project's own skill takes the place of the bundled one of its name in any form, until it is deleted", async () => {
  const { loadSkill: before } = await skillsOf(P);
  expect(await before("threat-modelling")).toContain("worth protecting");
  // Full-width letters, which NFKC makes plain ones.
  await saveSkill({
    projectId: P,
    name: " Ｔhreat-Modelling ",
    content: skill("Threat-Modelling"),
  });
  const own = (await allSkills(P)).filter(({ name }) => /threat/i.test(name));
  expect(own).toMatchObject([{ name: "Threat-Modelling", origin: "project", overrides: true }]);
  const { skills, loadSkill } = await skillsOf(P);
  expect(skills).toHaveLength(3);
  expect(await loadSkill("THREAT-modelling")).toBe("Be brief.");
  expect(await loadSkill("nothing")).toBeNull();

  await saveSkill({
    projectId: P,
    name: "threat-modelling",
    content: skill("threat-modelling", "Be long."),
  });
  expect(await loadSkill("threat-modelling")).toBe("Be long.");
  expect(await deleteSkill({ projectId: P, name: "THREAT-MODELLING" })).toBe(true);
  expect(await deleteSkill({ projectId: P, name: "threat-modelling" })).toBe(false);
  // Whoever had it listed gets what is there now.
  expect(await loadSkill("threat-modelling")).toContain("worth protecting");
});

test("frontmatter is optional, and what is none is refused with what to change", async () => {
  expect(await parseSkill("# Hello\n\n---\n\nmore")).toEqual({ body: "# Hello\n\n---\n\nmore" });
  expect(await parseSkill("---\n---\nbody")).toMatchObject({ body: "body" });
  expect(await parseSkill("\uFEFF---\r\nname: a\r\n---\r\nbody")).toMatchObject({
    name: "a",
    body: "body",
  });
  for (const [bad, why] of [
    ["---\nname: a\nbody without an end", /no second ---/],
    ["---\nname: [a\n---\n", /cannot be read/],
    ["---\n- a\n---\n", /fields such as/],
    ["---\nname: 7\n---\n", /name: .*string/],
    ["---\na: &x [1]\nb: *x\n---\n", /cannot be read/],
    ["---\nname: a\nname: b\n---\n", /cannot be read/],
    [`---\na: ${"x".repeat(5000)}\n---\n`, /may have 4000/],
  ] as const) {
    await expect(parseSkill(bad), bad.slice(0, 40)).rejects.toThrow(why);
  }
});

test("what is put has to have a name, a description and a text, in bounds; secrets are not kept", async () => {
  const save = (name: string, content: string, description?: string) =>
    saveSkill({ projectId: P, name, content, description });
  await expect(save("a", skill("b"))).rejects.toThrow(/names the skill "b"/);
  await expect(save("a", "text")).rejects.toThrow(/needs a description/);
  await expect(save("a", "text", "x".repeat(SKILL_LIMITS.description + 1))).rejects.toThrow(/1024/);
  await expect(save("a", skill("a", ""))).rejects.toThrow(/says nothing/);
  await expect(save("a", "x".repeat(SKILL_LIMITS.content + 1), "d")).rejects.toThrow(/20000/);
  for (const name of ["", "a\nb", "-a", "a/b", "x".repeat(65)]) {
    await expect(save(name, "text", "d"), name).rejects.toThrow(/name has 1 to 64/);
  }
  const secret = `ghp_${"a1B2".repeat(9)}`;
  const kept = await save("deploying", `Use ${secret} to deploy.`, "How\n to deploy");
  expect(kept).toMatchObject({
    name: "deploying",
    nameNorm: "deploying",
    description: "How to deploy",
  });
  expect(JSON.stringify(kept)).not.toContain(secret);
});

test("frontmatter that cannot be read any more without its secret is refused, and not kept", async () => {
  const content = "---\nexample: AKIAIOSFODNN7EXAMPLE is a key\n---\nSay so.";
  const put = saveSkill({ projectId: P, name: "keys", description: "Of keys.", content });
  await expect(put).rejects.toMatchObject({ code: "skill_frontmatter" });
  expect((await allSkills(P)).map(({ name }) => name)).not.toContain("keys");
});

test("a project has no more skills than can be listed, and may change those that it has", async () => {
  const put = (name: string) =>
    putSkill({ projectId: "full", name, description: "d", content: "c" });
  await Promise.all(Array.from({ length: MAX_SKILLS - 1 }, (_, i) => put(`s${i}`)));
  const last = await Promise.allSettled([put("one more"), put("two more")]);
  expect(last.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  await put("S1");
  await expect(put("another")).rejects.toThrow(/100 skills/);
});
