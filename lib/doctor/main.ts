import { parseArgs, stripVTControlCharacters } from "node:util";
import { errorMessage, InvalidInput } from "../errors.ts";
import type { Report } from "./examine.ts";

const HELP = `npm run doctor -- [options]    checks every integration that the environment sets up

  --vars <path>        variables from this file, for those that are not set already
  --seconds <n>        how long each check may take, 1 to 120 (default 5)
  --json               the findings as one line of JSON
  --help

It changes nothing, but for a blob that it writes and removes. Exit code: 0 when nothing failed, also when something
optional is missing; 1 when something failed; 2 when the command line makes no sense.`;

const MARKS = { ok: "ok      ", missing: "missing ", failed: "FAILED  " };

function readable({ ok, checks }: Report): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map((check) => {
    const line = `${MARKS[check.state]} ${check.name.padEnd(width)}  ${check.detail}`;
    return check.state === "ok" ? line : `${line}\n${" ".repeat(width + 11)}-> ${check.remedy}`;
  });
  const end = ok ? "Nothing failed." : "Something failed: see above.";
  return stripVTControlCharacters([...lines, "", end].join("\n"));
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        vars: { type: "string" },
        seconds: { type: "string", default: "5" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (!/^([1-9]|[1-9]\d|1[01]\d|120)$/.test(values.seconds)) {
      throw new InvalidInput("usage", "--seconds: a whole number from 1 to 120.");
    }
    if (values.vars !== undefined) process.loadEnvFile(values.vars);
    return values;
  } catch (error) {
    console.error(errorMessage(error));
    return null;
  }
}

/** The code to end with. */
async function main(): Promise<number> {
  const values = options();
  if (values === null) return 2;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  // All that is checked is loaded for it, which help need not wait for.
  const { examine } = await import("./examine.ts");
  const report = await examine(Number(values.seconds) * 1000);
  console.log(values.json ? JSON.stringify(report) : readable(report));
  return report.ok ? 0 : 1;
}

// What a check that took too long still does, and the pool's idle connections, are not waited for.
process.exit(await main());
