import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleApp } from "./bundle.ts";
import { type Cell, describe, type Outcome } from "./cell.ts";
import { startFleet } from "./fleet.ts";
import { KINDS } from "./kinds.ts";
import { cells, scouts } from "./matrix.ts";
import { matrixDocument } from "./report.ts";

const HELP = `npm run crash -- [options]    kills the app at every boundary of a run, and judges what is left

  --kind <kind>      only this kind of effect, or all that begin so ('repo.'); the document
                     keeps what it says of the others
  --only <regexp>    only cells whose name matches, such as 'hold .*effects -> sent'
  --lanes <n>        how many runs at a time, each with its own database, engine and apps (default 4)
  --json             the last line is {"cells", "failed": [names]}
  --help

The matrix is written to docs/crash-matrix.md, unless --only leaves out some of a kind. What the apps printed in a failed cell is in .local/crash/.`;

const { values } = parseArgs({
  options: {
    kind: { type: "string" },
    only: { type: "string" },
    lanes: { type: "string", default: "4" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const DOCUMENT = fileURLToPath(new URL("../../docs/crash-matrix.md", import.meta.url));
const LOGS = fileURLToPath(new URL("../../.local/crash/", import.meta.url));

async function main(): Promise<void> {
  const began = performance.now();
  const bundle = await mkdtemp(join(tmpdir(), "countersign-bundle-"));
  await bundleApp(bundle);
  const kinds = KINDS.filter(({ kind }) => kind.startsWith(values.kind ?? ""));
  const delivery = kinds.some(({ provider }) => provider !== undefined);
  const fleet = await startFleet({ lanes: Number(values.lanes), bundle, delivery });
  const end = async () => {
    await fleet.close();
    await rm(bundle, { recursive: true, force: true });
  };
  process.once("SIGINT", () => end().then(() => process.exit(130)));
  process.once("SIGTERM", () => end().then(() => process.exit(143)));
  const outcomes: Outcome[] = [];
  const tell = async (outcome: Outcome) => {
    outcomes.push(outcome);
    const ok = outcome.wrong.length === 0;
    const result = ok ? "ok  " : `FAIL ${outcome.wrong.join("; ")}\n    `;
    console.log(
      `${String(outcomes.length).padStart(4)} ${outcome.seconds.toFixed(1).padStart(5)} s  ${result} ${describe(outcome.cell)}`,
    );
    if (ok) return;
    await mkdir(LOGS, { recursive: true });
    const text = [describe(outcome.cell), ...outcome.wrong, "", ...outcome.lines].join("\n");
    await writeFile(`${LOGS}${outcomes.length}.log`, text);
  };
  try {
    const scouted = await fleet.run(kinds.flatMap(scouts), tell);
    const wanted = (cell: Cell) =>
      values.only === undefined || new RegExp(values.only).test(describe(cell));
    await fleet.run(
      kinds
        .flatMap((kind) =>
          cells(
            kind,
            scouted.filter(({ cell }) => cell.kind === kind),
          ),
        )
        .filter(wanted),
      tell,
    );
  } finally {
    await end();
  }
  // The order of the matrix, not the one in which cells ended.
  outcomes.sort((a, b) => a.at - b.at);
  const failed = outcomes.filter(({ wrong }) => wrong.length > 0).map(({ cell }) => describe(cell));
  if (values.only === undefined) {
    await writeFile(DOCUMENT, matrixDocument(outcomes, await readFile(DOCUMENT, "utf8")));
  } else console.log(matrixDocument(outcomes));
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(`${outcomes.length} cells, ${failed.length} failed, ${minutes} min`);
  if (values.json) console.log(JSON.stringify({ cells: outcomes.length, failed }));
  if (failed.length > 0) process.exitCode = 1;
}

if (values.help) console.log(HELP);
else await main();
