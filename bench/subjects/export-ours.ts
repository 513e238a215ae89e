import { closeDb, db } from "#db/client.ts";
import { exportProject } from "#lib/export/export.ts";
import { reportFigures } from "../figures.ts";
import { steady } from "../steady.ts";

/** Exports a project again and again, and reports how much its memory grew: by the first export, and by those when warm. */
const [projectId = ""] = process.argv.slice(2);
const rssMb = () => process.memoryUsage.rss() / 1e6;
let bytes = 0;
let exports = 0;
let peak = 0;
let firstGrowthMb = 0;
let growthMb = 0;

async function run() {
  const before = rssMb();
  peak = before;
  bytes = 0;
  for await (const piece of await exportProject(projectId)) bytes += piece.length;
  peak = Math.max(peak, rssMb());
  if (exports++ === 0) firstGrowthMb = peak - before;
  else growthMb = Math.max(growthMb, peak - before);
}

// Connected before anything is measured: that is the pool's, not the export's.
await db().execute("select 1");
const sampling = setInterval(() => {
  peak = Math.max(peak, rssMb());
}, 5);
const { firstMs, ms } = await steady(run);
clearInterval(sampling);
await closeDb();
reportFigures({ firstMs, ms, firstGrowthMb, growthMb, bytes });
