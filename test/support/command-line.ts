import { vi } from "vitest";
import { cli } from "../../cli/cli.ts";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line with nobody at the terminal: in this process, where it starts in no time. */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const before = { ...process.env };
  const written = { out: "", err: "" };
  const keep = (stream: "out" | "err") => (text: string | Uint8Array) => {
    written[stream] += text;
    return true;
  };
  const out = vi.spyOn(process.stdout, "write").mockImplementation(keep("out"));
  const err = vi.spyOn(process.stderr, "write").mockImplementation(keep("err"));
  Object.assign(process.env, env);
  try {
    const code = await cli(args);
    return { code, ...written };
  } finally {
    out.mockRestore();
    err.mockRestore();
    process.env = before;
  }
}
