import { mkdirSync, writeFileSync } from "node:fs";
import { daysOfOperation } from "./lib/battery.ts";

/** The table for the data sheet: days of operation by battery. */
const loads = [{ name: "sensor", milliamperes: 60, secondsPerHour: 360 }];
const table = [20, 40, 80].map((capacityAh) => ({
  capacityAh,
  days: daysOfOperation({ capacityAh, usable: 0.8 }, loads),
}));
mkdirSync("dist", { recursive: true });
writeFileSync("dist/battery.json", `${JSON.stringify(table, null, 2)}\n`);
console.log("dist/battery.json is written");
