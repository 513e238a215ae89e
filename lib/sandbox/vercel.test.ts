import { expect, it } from "vitest";
import { endOf, requestOf, vercelSandboxes, vmOf } from "./vercel.ts";

const command = { argv: ["npm", "test"] as const, timeoutMs: 1000, maxOutputBytes: 1000 };
const credentials = { token: "t", teamId: "team", projectId: "prj" };

it("is made by its name, without a network, and gone with its session", () => {
  expect(vmOf("a-b")).toMatchObject({ name: "a-b", networkPolicy: "deny-all", persistent: false });
});

it("runs a command in the work tree with its own environment alone", () => {
  expect(requestOf(command)).toEqual({
    ...{ cmd: "npm", args: ["test"], cwd: "/vercel/sandbox/work", timeoutMs: 1000 },
    ...{ detached: true, env: { CI: "1" } },
  });
  expect(requestOf({ ...command, cwd: "a/b", env: { X: "1" } })).toMatchObject({
    ...{ cwd: "/vercel/sandbox/work/a/b", env: { CI: "1", X: "1" } },
  });
});

it.each([
  [{ exitCode: 1, durationMs: 5, timeoutMs: 10, aborted: false }, "exited"],
  [{ exitCode: 1, durationMs: 5, timeoutMs: 10, aborted: true }, "exited"],
  [{ exitCode: 137, durationMs: 5, timeoutMs: 10, aborted: false }, "killed"],
  [{ exitCode: 137, durationMs: 10, timeoutMs: 10, aborted: false }, "timeout"],
  [{ exitCode: 137, durationMs: 10, timeoutMs: 10, aborted: true }, "canceled"],
])("tells from %j that it %s", (how, ended) => {
  expect(endOf(how)).toBe(ended);
});

it("asks for its removal by name, and takes one that is not there for removed", async () => {
  const asked: string[] = [];
  const provider = vercelSandboxes({
    credentials,
    fetch: async (url) => {
      asked.push(String(url));
      return Response.json({ error: { code: "not_found", message: "none" } }, { status: 404 });
    },
  });
  await provider.stop("gone-one");
  expect(asked).toEqual([expect.stringContaining("/gone-one")]);
});

it("says of a refusal that it is ours to change", async () => {
  const provider = vercelSandboxes({
    credentials,
    fetch: async () =>
      Response.json({ error: { code: "forbidden", message: "no" } }, { status: 403 }),
  });
  const refused = { name: "InvalidInput", code: "sandbox_refused", context: { status: 403 } };
  await expect(provider.stop("one")).rejects.toMatchObject(refused);
});
