import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cloud } from "./cloud.ts";
import { client, gitIn } from "./github/people.ts";

/** A repository on the local GitHub. */
export interface HubRepository {
  readonly owner: string;
  readonly name: string;
  readonly cloneUrl: string;
}

/** What people and their machines do on GitHub around Countersign, with git and GitHub's own client: for the demo and the tests. */
export class Hub {
  readonly octokit: ReturnType<typeof client>;
  readonly #token: string;

  constructor({ env }: Pick<Cloud, "env">, token = env.GITHUB_TOKEN ?? "") {
    this.#token = token;
    this.octokit = client(env.GITHUB_API_URL ?? "", token);
  }

  /** A repository by its name; null when it is not there. */
  async find(owner: string, name: string): Promise<HubRepository | null> {
    try {
      const { data } = await this.octokit.rest.repos.get({ owner, repo: name });
      return { owner: data.owner.login, name: data.name, cloneUrl: data.clone_url };
    } catch (error) {
      if (error instanceof Error && "status" in error && error.status === 404) return null;
      throw error;
    }
  }

  /** Makes a repository whose first commit holds what is in `directory`. */
  async create(name: string, directory: string): Promise<HubRepository> {
    const { data } = await this.octokit.rest.repos.createForAuthenticatedUser({ name });
    const repository = { owner: data.owner.login, name: data.name, cloneUrl: data.clone_url };
    await this.#inWork(async (work) => {
      await cp(directory, work, { recursive: true });
      await this.git(work, "init", "--quiet", "--initial-branch=main");
      await this.git(work, "add", "--all");
      await this.git(work, "commit", "--quiet", "--message=First version");
      await this.git(work, "push", "--quiet", repository.cloneUrl, "main");
    });
    return repository;
  }

  /** Runs `work` in a fresh clone, which is removed afterwards. */
  async inClone<T>(
    { cloneUrl }: HubRepository,
    work: (directory: string) => Promise<T>,
  ): Promise<T> {
    return await this.#inWork(async (directory) => {
      await this.git(directory, "clone", "--quiet", cloneUrl, ".");
      return await work(directory);
    });
  }

  /** What the log of the default branch says, newest first: graph, short id and subject. */
  async log(repository: HubRepository): Promise<string> {
    const args = ["log", "--graph", "--format=%h %an: %s"];
    return await this.inClone(repository, (directory) => this.git(directory, ...args));
  }

  /** A file of the default branch. */
  async read(repository: HubRepository, path: string): Promise<string> {
    return await this.inClone(repository, (clone) => readFile(join(clone, path), "utf8"));
  }

  /** git as a person with this token runs it. */
  git(directory: string, ...args: string[]): Promise<string> {
    return gitIn(directory, this.#token, args);
  }

  async #inWork<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), "countersign-hub-"));
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
