import { VercelCore } from "@vercel/sdk/core.js";
import { aliasesListDeploymentAliases } from "@vercel/sdk/funcs/aliasesListDeploymentAliases.js";
import { deploymentsGetDeployments } from "@vercel/sdk/funcs/deploymentsGetDeployments.js";
import { projectsListPromoteAliases } from "@vercel/sdk/funcs/projectsListPromoteAliases.js";
import { projectsUpdateProject } from "@vercel/sdk/funcs/projectsUpdateProject.js";
import { teamsGetTeam } from "@vercel/sdk/funcs/teamsGetTeam.js";
import { userGetAuthUser } from "@vercel/sdk/funcs/userGetAuthUser.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { promoteDeployment } from "../../lib/vercel/deployments.ts";
import { cloud } from "./testing.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const teamId = "team_local";
let world: Awaited<ReturnType<typeof cloud>>;
let sdk: VercelCore;
beforeAll(async () => {
  world = await cloud({ teamId });
  Object.assign(process.env, world.env);
  sdk = new VercelCore({ serverURL: world.url, bearerToken: world.env.VERCEL_TOKEN ?? "" });
});
afterAll(async () => {
  delete process.env.VERCEL_TEAM_ID;
  await world?.[Symbol.asyncDispose]();
});

/** What Vercel's own client makes of an answer; a refusal or an answer of another form is thrown. */
async function got<T>(result: PromiseLike<{ ok: boolean; value?: T; error?: unknown }>) {
  const { ok, value, error } = await result;
  if (!ok) throw error;
  return value;
}

test("the account: a person and the team", async () => {
  expect(await got(userGetAuthUser(sdk))).toMatchObject({
    user: { username: "ada", defaultTeamId: teamId },
  });
  expect(await got(teamsGetTeam(sdk, { teamId }))).toMatchObject({ id: teamId, name: "Local" });
  await expect(got(teamsGetTeam(sdk, { teamId: "team_x" }))).rejects.toMatchObject({
    statusCode: 404,
  });
});

test("aliases follow a promotion, and lists are filtered", async () => {
  const at = await world.project();
  const made = await world.deploy(at);
  await world.reached(made.id);
  const aliases = () => got(aliasesListDeploymentAliases(sdk, { id: made.id, teamId }));
  expect(await aliases()).toEqual({ aliases: [] });
  await promoteDeployment(at.id, made.id, new AbortController().signal);
  const { aliases: [alias] = [] } = (await aliases()) ?? {};
  expect(alias?.alias).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await got(projectsListPromoteAliases(sdk, { projectId: at.id, teamId }))).toMatchObject({
    aliases: [{ alias: alias?.alias, status: "completed" }],
  });
  const list = async (more: object) => {
    const request = { projectId: at.id, teamId, ...more };
    return (await got(deploymentsGetDeployments(sdk, request)))?.deployments.map(({ uid }) => uid);
  };
  expect(await list({ state: "READY,ERROR", target: "production" })).toEqual([made.id]);
  expect(await list({ state: "QUEUED" })).toEqual([]);
  expect(await list({ target: "preview" })).toEqual([]);
  expect(await list({ branch: "main", sha: made.sha })).toEqual([made.id]);
  expect(await list({ sha: "0".repeat(40) })).toEqual([]);
});

test("a project is renamed, but not to a name that is taken", async () => {
  const [one, two] = [await world.project(), await world.project()];
  const rename = (name: string) =>
    got(projectsUpdateProject(sdk, { idOrName: one.id, teamId, requestBody: { name } }));
  await expect(rename(two.name)).rejects.toMatchObject({ statusCode: 409 });
  expect(await rename("renamed")).toMatchObject({ id: one.id, name: "renamed" });
});
