import * as z from "zod";
import { repositoryBody } from "../bodies/repository.ts";
import { emailOf, userBody } from "../bodies/user.ts";
import { follow } from "../follow.ts";
import { writeCommit, writeObject, writeTree } from "../git/objects.ts";
import { initRepository, moveRef, NO_COMMIT } from "../git/refs.ts";
import { bodyOf, callerOf, repoToRead } from "../http/call.ts";
import { invalid, Refusal } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import { personOf } from "./resolve.ts";

const newRepository = z.object({
  name: z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/),
  description: z.string().max(350).nullish(),
  private: z.boolean().default(false),
  auto_init: z.boolean().default(false),
});

export const repositories: Route[] = [
  route("GET /user", async (call) => {
    const { service } = call;
    const user = service.repos.user(callerOf(call).login);
    const repos = service.repos.all().filter(({ owner }) => owner === user.login);
    const hidden = repos.filter((repo) => repo.private === 1).length;
    return {
      data: {
        ...userBody(service, user),
        name: user.login,
        email: emailOf(user),
        ...{ company: null, blog: "", location: null, hireable: null, bio: null },
        public_repos: repos.length - hidden,
        ...{ public_gists: 0, private_gists: 0, followers: 0, following: 0, collaborators: 0 },
        total_private_repos: hidden,
        owned_private_repos: hidden,
        disk_usage: 0,
        two_factor_authentication: true,
        created_at: user.created_at,
        updated_at: user.created_at,
      },
    };
  }),

  route("POST /user/repos", async (call) => {
    const { service } = call;
    const { login, permission, repos } = callerOf(call);
    if (permission !== "write" || repos !== null) {
      throw new Refusal(403, "Resource not accessible by personal access token");
    }
    const body = await bodyOf(call, newRepository);
    const { name, description = null } = body;
    const repo = service.repos.create({ owner: login, name, description, private: body.private });
    if (!repo) {
      const message = "name already exists on this account";
      throw invalid({ resource: "Repository", field: "name", code: "custom", message });
    }
    try {
      const dir = service.dirOf(repo);
      await initRepository(dir);
      if (body.auto_init) {
        const readme = await writeObject(dir, "blob", `# ${name}\n`);
        const tree = await writeTree(dir, null, [
          { path: "README.md", mode: "100644", sha: readme },
        ]);
        if ("refused" in tree) throw new Error(tree.refused);
        const author = personOf(call, login);
        const commit = {
          ...tree,
          parents: [],
          author,
          committer: author,
          message: "Initial commit",
        };
        const sha = await writeCommit(dir, commit);
        await moveRef(dir, "refs/heads/main", { sha, old: NO_COMMIT });
        await service.locked(repo, () => follow(service, repo, login));
      }
    } catch (error) {
      service.repos.remove(repo.id);
      throw error;
    }
    return { status: 201, data: repositoryBody(service, repo, callerOf(call)) };
  }),

  route("GET /repos/{owner}/{repo}", async (call) => ({
    data: repositoryBody(call.service, repoToRead(call), call.caller),
  })),
];
