import { sha256 } from "../../canonical.ts";
import { Conflict, InvalidInput } from "../../errors.ts";
import { treeOfFiles } from "../../git/patch.ts";
import { announceJob, endUnrun, runJob } from "../../sandbox/jobs.ts";
import type { Sandbox } from "../../sandbox/port.ts";
import { sandboxProvider } from "../../sandbox/provider.ts";
import { treeFiles } from "../repository.ts";
import { isTrusted } from "../sandbox.ts";
import { type Basis, nameOf, type RunIds } from "../work.ts";
import type { Draft } from "./draft.ts";
import { tryOfTurn } from "./left-behind.ts";

/** With a request to the model, still less than a deployed function may run. */
const TURN_MS = 180_000;
const COMMAND_MS = 120_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Of the end of what one command said. */
const TAIL_CHARS = 3_000;

interface Place {
  readonly ids: RunIds;
  readonly turn: number;
  /** Which try of the turn. */
  readonly attempt: number;
  readonly basis: Basis;
  readonly draft: Draft;
  /** A bare repository that has the base. */
  readonly dir: string;
}

/**
 * What runs commands on the draft as it then is, in a sandbox that is made for them and removed after them: no command sees what
 * another draft left, nor another try of the same turn: what came before it in the same call is done again too. Its name is on
 * record before it is made, so that whoever cancels the run, or makes the turn again, ends it. What cannot be run is told to
 * the model.
 */
export function runInDraft({ ids, turn, attempt, basis, draft, dir }: Place) {
  const deadline = performance.now() + TURN_MS;
  return async (commands: readonly string[][]): Promise<string> => {
    const what = sha256(JSON.stringify([draft.entries, commands]));
    const tree = await treeOfFiles(dir, basis.base, await draft.changes());
    const stepId = `${tryOfTurn(turn, attempt)}-${what.slice(0, 16)}`;
    const name = `countersign-${sha256(`${ids.runId}/${stepId}`).slice(0, 32)}`;
    const first = { ...ids, stepId: `${stepId}-0x`, jobType: "draft.run" } as const;
    try {
      await announceJob({ ...first, sandbox: name });
      const sandbox = await sandboxProvider().open({
        name,
        files: () => treeFiles(dir, tree),
        trusted: isTrusted(nameOf(basis)),
      });
      return await inSandbox(sandbox, commands, { ids, stepId, tree, deadline });
    } catch (error) {
      if (error instanceof Conflict && error.code === "sandbox_not_isolated") {
        await endUnrun(first, error.message);
        return "Commands cannot be run here: go on without.";
      }
      if (error instanceof InvalidInput && error.code === "command_not_allowed")
        return `Not carried out. ${error.message}`;
      throw error;
    } finally {
      await sandboxProvider().stop(name);
    }
  };
}

const NO_TIME = "(No time is left in this turn.)";

interface Jobs {
  readonly ids: RunIds;
  readonly stepId: string;
  readonly tree: string;
  readonly deadline: number;
}

async function inSandbox(
  sandbox: Sandbox,
  commands: readonly string[][],
  { ids: { projectId, runId }, stepId, tree, deadline }: Jobs,
): Promise<string> {
  const said: string[] = [];
  for (const [at, [program = "", ...args]] of commands.entries()) {
    const left = deadline - performance.now();
    const job = { projectId, runId, stepId: `${stepId}-${at}x`, jobType: "draft.run" } as const;
    if (left < 1_000) {
      await endUnrun(job, NO_TIME);
      return [...said, NO_TIME].join("\n\n");
    }
    await announceJob({ ...job, sandbox: sandbox.name });
    const { exitCode, tail } = await runJob({
      ...{ ...job, sandbox },
      command: {
        argv: [program, ...args],
        env: { CI: "1", NO_COLOR: "1" },
        timeoutMs: Math.min(COMMAND_MS, Math.floor(left)),
        maxOutputBytes: MAX_OUTPUT_BYTES,
      },
      commitSha: tree,
    });
    const how = exitCode === null ? "was ended at a limit" : `ended with ${exitCode}`;
    said.push(`${[program, ...args].join(" ")} ${how}\n${tail.slice(-TAIL_CHARS)}`);
    if (exitCode !== 0) break;
  }
  return said.join("\n\n");
}
