import { pathToFileURL } from "node:url";
import { cpuTimed, reportFigures, timed } from "../figures.ts";

const [bundle = ""] = process.argv.slice(2);
let ms = 0;
const cpuMs = await cpuTimed(async () => {
  ms = await timed(() => import(pathToFileURL(bundle).href));
});
reportFigures({ ms, cpuMs, residentMb: process.memoryUsage().rss / 1e6 });
// What the bundle holds open (pools, timers) is not measured here.
process.exit(0);
