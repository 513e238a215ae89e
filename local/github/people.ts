import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Octokit } from "@octokit/rest";

const run = promisify(execFile);

/** git as somebody at a keyboard runs it, with a token. */
export async function gitIn(
  directory: string,
  token: string | null,
  args: readonly string[],
): Promise<string> {
  const basic = Buffer.from(`x:${token}`).toString("base64");
  const { stdout } = await run("git", args, {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.com",
      ...(token !== null && {
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "http.extraHeader",
        GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
      }),
    },
  });
  return stdout;
}

/** GitHub's own client, without words about errors that the test expects. */
export function client(api: string, auth?: string): Octokit {
  const quiet = () => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  return new Octokit({ baseUrl: api, log, ...(auth !== undefined && { auth }) });
}
