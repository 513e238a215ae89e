#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

// Plain JavaScript that any Node can read: the checkout brings its own Node 24, whatever the machine has.
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const args = [path("main.ts"), ...process.argv.slice(2)];
const { status, signal, error } = spawnSync(path("../node_modules/node/bin/node"), args, {
  stdio: "inherit",
});
if (error) {
  console.error(`Run npm ci in the checkout first: ${error.message}`);
  process.exitCode = 3;
} else {
  process.exitCode = status ?? 128 + (constants.signals[signal] ?? 0);
}
