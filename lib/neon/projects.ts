import type { ProjectListItem } from "@neondatabase/api-client";
import * as z from "zod";
import { type ProbedDatabase, probeDatabase } from "../data/probe.server.ts";
import { NotFound, Unavailable } from "../errors.ts";
import { type NeonApi, neonApi, organization } from "./client.ts";

/** A project as Neon names it. */
export interface NeonProject {
  readonly id: string;
  /** Not unique. */
  readonly name: string;
  /** Such as `aws-us-east-1`. */
  readonly region: string;
}

export interface NeonBranch {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
}

/** What an answer must hold; all else is Neon's. */
const project = z.object({ id: z.string(), name: z.string(), region_id: z.string() });
const connectionUri = z.string().regex(/^postgres(?:ql)?:\/\//);

/** What Neon's API takes as an id; anything else would be another path there. */
const ID = /^[a-z0-9-]{1,60}$/;
/** The most that Neon gives at once. */
const PAGE = 400;
const MAX_PAGES = 10;
const BRANCH_PAGE = 100;
const MAX_BRANCHES = 1000;

/** A project by its id, null when it is not there. */
export async function readNeonProject(
  id: string,
  signal: AbortSignal,
): Promise<NeonProject | null> {
  try {
    const { data } = await ask(`read the project ${id}`, id, (api) =>
      api.getProject(id, { signal }),
    );
    return factsOf(data.project);
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

/**
 * The project of exactly this name, the oldest when there are several; null when there is none. Throws Unavailable when Neon
 * does not show all projects that it could be.
 */
export async function findNeonProject(
  name: string,
  signal: AbortSignal,
): Promise<NeonProject | null> {
  const what = `look for the project ${name}`;
  const { named, complete } = await neonApi(what, (api) => namedAs(name, api, signal));
  const [oldest] = named.toSorted(
    (a, b) => a.created_at.localeCompare(b.created_at) || a.id.localeCompare(b.id),
  );
  if (oldest) return factsOf(oldest);
  // What was not seen may be it: made once more, there would be two.
  if (!complete)
    throw new Unavailable("neon_list_incomplete", `Neon could not ${what} everywhere.`);
  return null;
}

/** Makes a project with a database and its owner in it. They can be connected to soon after. */
export async function createNeonProject(
  { name, region }: { name: string; region: string },
  signal: AbortSignal,
): Promise<NeonProject> {
  const wanted = { name, region_id: region, ...organization() };
  const { data } = await neonApi(`create the project ${name}`, (api) =>
    api.createProject({ project: wanted }, { signal }),
  );
  return factsOf(data.project);
}

/** Deletes a project with everything in it. One that is not there any more is fine. */
export async function deleteNeonProject(id: string, signal: AbortSignal): Promise<void> {
  try {
    await ask(`delete the project ${id}`, id, (api) => api.deleteProject(id, { signal }));
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
}

/** The branches of a project. Throws NotFound, and Unavailable when it has more than 1,000. */
export async function listNeonBranches(id: string, signal: AbortSignal): Promise<NeonBranch[]> {
  const what = `list the branches of ${id}`;
  const branches: NeonBranch[] = [];
  for (let cursor: string | undefined; ; ) {
    const { data } = await ask(what, id, (api) =>
      api.listProjectBranches(
        { projectId: id, limit: BRANCH_PAGE, ...(cursor !== undefined && { cursor }) },
        { signal },
      ),
    );
    branches.push(
      ...data.branches.map((branch) => ({
        ...{ id: branch.id, name: branch.name, isDefault: branch.default },
      })),
    );
    cursor = data.pagination?.next;
    if (!cursor) return branches;
    if (branches.length >= MAX_BRANCHES) {
      throw new Unavailable(
        "neon_list_incomplete",
        `${id} has more than ${MAX_BRANCHES} branches.`,
      );
    }
  }
}

/**
 * The connection string of a project: its default branch, the first database there, as its owner, through Neon's pooler. A
 * secret. Throws NotFound when one of them is missing.
 */
export async function neonConnectionString(id: string, signal: AbortSignal): Promise<string> {
  const branch = (await listNeonBranches(id, signal)).find(({ isDefault }) => isDefault);
  if (!branch) throw new NotFound("neon_not_found", `${id} has no default branch.`);
  const databases = await ask(`list the databases of ${id}`, id, (api) =>
    api.listProjectBranchDatabases(id, branch.id, { signal }),
  );
  const [database] = databases.data.databases.toSorted((a, b) => a.id - b.id);
  if (!database) throw new NotFound("neon_not_found", `${id} has no database on ${branch.name}.`);
  const { data } = await ask(`give the connection string of ${id}`, id, (api) =>
    api.getConnectionUri(
      {
        ...{ projectId: id, branch_id: branch.id, pooled: true },
        ...{ database_name: database.name, role_name: database.owner_name },
      },
      { signal },
    ),
  );
  return understood(connectionUri, data.uri);
}

/** Connects to the database of a project, as an app would, and asks it something. Throws when that does not work. */
export async function testNeon(id: string, signal: AbortSignal): Promise<ProbedDatabase> {
  return await probeDatabase(await neonConnectionString(id, signal), signal);
}

async function ask<T>(what: string, id: string, call: (api: NeonApi) => Promise<T>): Promise<T> {
  if (!ID.test(id)) {
    throw new NotFound("neon_not_found", `${JSON.stringify(id)} is not the id of a Neon project.`);
  }
  return await neonApi(what, call);
}

async function namedAs(
  name: string,
  api: NeonApi,
  signal: AbortSignal,
): Promise<{ named: ProjectListItem[]; complete: boolean }> {
  const named: ProjectListItem[] = [];
  let complete = true;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { data } = await api.listProjects(
      { ...organization(), search: name, limit: PAGE, ...(cursor !== undefined && { cursor }) },
      { signal },
    );
    named.push(...data.projects.filter((one) => one.name === name));
    const unseen = data.unavailable_project_ids?.length ?? 0;
    if (unseen > 0) complete = false;
    // The last page has a cursor too.
    cursor = data.pagination?.cursor;
    if (!cursor || data.projects.length + unseen < PAGE) return { named, complete };
  }
  return { named, complete: false };
}

function factsOf(answer: unknown): NeonProject {
  const { id, name, region_id: region } = understood(project, answer);
  return { id, name, region };
}

/** Throws Unavailable for an answer without what it must hold; what it holds is not in the message. */
function understood<T extends z.ZodType>(schema: T, answer: unknown): z.infer<T> {
  const { data, success } = schema.safeParse(answer);
  if (success) return data;
  throw new Unavailable("neon_answer", "Neon answered with something else than it says it does.");
}
