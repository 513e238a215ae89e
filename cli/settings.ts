import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { devServer, env } from "#lib/env.ts";
import { EXIT, Failure } from "./exit.ts";

/** What can be said on the command line about where to go. */
export interface Flags {
  readonly url?: string;
  readonly token?: string;
  readonly inngest?: string;
  readonly project?: string;
  readonly config?: string;
}

/** Where to go and as whom; absent what nobody has said. */
export interface Settings {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** Base URL of an Inngest dev server; absent: Inngest's cloud with INNGEST_EVENT_KEY, when that is set. */
  readonly inngest?: string | undefined;
  readonly eventKey?: string | undefined;
  readonly project?: string | undefined;
}

/** What `npm start` leaves for whoever works on the same machine. */
const kept = z.object({
  url: z.url().optional(),
  inngest: z.url().optional(),
  token: z.string().optional(),
  project: z.string().optional(),
});

const KEPT = fileURLToPath(new URL("../.local/cli.json", import.meta.url));

/** Flags first, then the environment, then what `npm start` left. Throws Failure for a file that is none. */
export function settings(flags: Flags): Settings {
  const vars = env();
  const file = readKept(flags.config);
  const inngest = devServer(vars);
  const eventKey = inngest === null ? vars.INNGEST_EVENT_KEY : undefined;
  return {
    url: flags.url ?? vars.COUNTERSIGN_URL ?? file.url,
    token: flags.token ?? vars.COUNTERSIGN_TOKEN ?? file.token,
    inngest: flags.inngest ?? inngest ?? (eventKey ? undefined : file.inngest),
    eventKey,
    project: flags.project ?? vars.COUNTERSIGN_PROJECT ?? file.project,
  };
}

function readKept(path: string | undefined): z.infer<typeof kept> {
  let text: string;
  try {
    text = readFileSync(path ?? KEPT, "utf8");
  } catch (error) {
    if (path === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Failure(EXIT.usage, `${path ?? KEPT} cannot be read.`);
  }
  try {
    return kept.parse(JSON.parse(text));
  } catch {
    // What is wrong with it may be a token: it is named, not quoted.
    throw new Failure(EXIT.usage, `${path ?? KEPT} is not what npm start writes.`);
  }
}

/** The project that a command is about. Throws Failure when nobody has said one. */
export function projectOf({ project }: Settings): string {
  if (project) return project;
  throw new Failure(EXIT.usage, "Which project? Say --project <id>, or set COUNTERSIGN_PROJECT.");
}
