import { mkdirSync, writeFileSync } from "node:fs";
import { daysOfOperation } from "./lib/battery.ts";

/** The table for the data sheet: days of operation by battery, for programs and as a page. */
const loads = [{ name: "sensor", milliamperes: 60, secondsPerHour: 360 }];
const table = [20, 40, 80].map((capacityAh) => ({
  capacityAh,
  days: daysOfOperation({ capacityAh, usable: 0.8 }, loads),
}));
mkdirSync("dist", { recursive: true });
writeFileSync("dist/battery.json", `${JSON.stringify(table, null, 2)}\n`);
const rows = table.map(
  ({ capacityAh, days }) => `<tr><td>${capacityAh} Ah</td><td>${days} days</td></tr>`,
);
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Battery of the measuring buoy</title>
<h1>How long the battery lasts</h1>
<table>
${rows.join("\n")}
</table>
`;
writeFileSync("dist/index.html", page);
console.log("dist/battery.json and dist/index.html are written");
