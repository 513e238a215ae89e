import * as z from "zod";
import { type AgentTool, objectIn } from "../../model/agent.ts";
import { redactLines, redactText } from "../../redact.ts";
import { editOnce } from "./edit.ts";
import type { Files } from "./files.ts";
import { search } from "./search.ts";

/** Of one result; what is longer has to be asked for in parts. */
const MAX_RESULT_CHARS = 12_000;
const MAX_PATHS = 300;
const MAX_LINES = 400;

const path = z.string().describe("Relative to the top of the repository, with slashes.");
const prefix = z.string().default("").describe("Beginning of the paths; empty: all.");
const line = z.int().min(1);

/** What a model's tools work on. */
export interface Desk {
  readonly files: Files;
  /** Runs commands one after the other on a copy of the draft and says what came of them. */
  run(commands: readonly string[][]): Promise<string>;
}

interface Tool extends AgentTool {
  readonly input: z.ZodObject;
  carryOut(input: unknown, desk: Desk): Promise<string>;
}

function tool<T extends z.ZodObject>(
  name: string,
  description: string,
  input: T,
  work: (input: z.infer<T>, desk: Desk) => Promise<string>,
): Tool {
  return {
    ...{ name, description, input },
    carryOut: async (given, desk) => {
      const parsed = input.safeParse(given);
      if (parsed.success) return await work(parsed.data, desk);
      const [first] = parsed.error.issues;
      return `Not carried out. ${first?.path.join(".") || "The arguments"}: ${first?.message}.`;
    },
  };
}

/** The last call of a change. */
export const FINISH = "finish";

/** All that a model can do: read, and change its own draft. None reaches anything else. */
export const TOOLS: readonly Tool[] = [
  tool(
    "list_files",
    "The paths of the repository as the draft leaves it.",
    z.object({ prefix }),
    async (input, { files }) => {
      const paths = files.list(input.prefix);
      const more = paths.length - MAX_PATHS;
      const shown = paths.slice(0, MAX_PATHS).join("\n") || "No file has a path like that.";
      return more > 0 ? `${shown}\n(${more} more: name a longer prefix.)` : shown;
    },
  ),
  tool(
    "read_file",
    "Lines of a file, each with its number and a tab in front.",
    z.object({ path, fromLine: line.default(1), toLine: line.optional() }),
    async (input, { files }) => {
      const file = await files.read(input.path);
      return "problem" in file ? file.problem : numbered(file.text, input);
    },
  ),
  tool(
    "search",
    "Lines that hold a text, exactly as it is given.",
    z.object({ text: z.string().min(1).max(500), prefix }),
    async (input, { files }) => await search(files, input),
  ),
  tool(
    "write_file",
    "Writes a whole file of the draft, new or instead of what it was.",
    z.object({ path, content: z.string() }),
    async (input, { files }) => {
      const done = await files.write(input.path, input.content);
      return "problem" in done ? `Not written. ${done.problem}` : `Written: ${done.bytes} bytes.`;
    },
  ),
  tool(
    "edit_file",
    "Replaces one passage of a file: `old` must stand in it exactly once. Line numbers are not part of a file.",
    z.object({ path, old: z.string(), new: z.string() }),
    async (input, { files }) => {
      const file = await files.read(input.path);
      if ("problem" in file) return `Not written. ${file.problem}`;
      const edited = editOnce(file.text, { old: input.old, replacement: input.new });
      if ("problem" in edited) return `Not written. ${edited.problem}`;
      const done = await files.write(input.path, edited.text);
      return "problem" in done ? `Not written. ${done.problem}` : `Written: ${done.bytes} bytes.`;
    },
  ),
  tool("remove_file", "Removes a file.", z.object({ path }), async (input, { files }) => {
    const done = await files.remove(input.path);
    return "problem" in done ? `Not removed. ${done.problem}` : "Removed.";
  }),
  tool(
    "run",
    "Runs commands one after the other, up to the first that fails, on a copy of the draft without network; what they write is not kept. A command is a program and its arguments, without a shell: node, npm, npx, pnpm, yarn.",
    z.object({ commands: z.array(z.array(z.string()).min(1).max(50)).min(1).max(3) }),
    async ({ commands }, desk) => await desk.run(commands),
  ),
  tool(
    FINISH,
    "Says that the change is complete. Nothing after it is carried out.",
    z.object({ summary: z.string().max(2_000) }),
    async () => "Finished.",
  ),
];

/**
 * Carries out what a model asked for. Whatever it asked, there is a result, bounded and redacted; only what is no fault of the
 * call is thrown.
 */
export async function carryOut(call: { name: string; input: string }, desk: Desk): Promise<string> {
  const found = TOOLS.find(({ name }) => name === call.name);
  if (!found) {
    return `Not carried out: there is no such tool. There are ${TOOLS.map(({ name }) => name).join(", ")}.`;
  }
  const input = objectIn(call.input);
  if (input === null) return "Not carried out: the arguments are not one JSON object.";
  const result = redactText(await found.carryOut(input, desk)).toWellFormed();
  if (result.length <= MAX_RESULT_CHARS) return result;
  return `${result.slice(0, MAX_RESULT_CHARS).toWellFormed()}\n(Cut here: ask for less.)`;
}

function numbered(text: string, { fromLine = 1, toLine = Number.POSITIVE_INFINITY }): string {
  // All of it: in a part alone, a key whose beginning is outside would not be known for one.
  const lines = redactLines(text.replace(/\n$/, "")).split("\n");
  const last = Math.min(toLine, fromLine + MAX_LINES - 1);
  const shown = lines.slice(fromLine - 1, last).map((line, at) => `${fromLine + at}\t${line}`);
  const range = `(Lines ${fromLine} to ${fromLine + shown.length - 1} of ${lines.length}.)`;
  if (shown.length === 0) return `(The file has ${lines.length} lines.)`;
  return shown.length === lines.length ? shown.join("\n") : `${shown.join("\n")}\n${range}`;
}
