#!/usr/bin/env node
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

// Plain JavaScript that any Node can read: the checkout brings its own Node 24, whatever the machine has.
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const args = [path("main.ts"), ...process.argv.slice(2)];
const child = spawn(path("../node_modules/node/bin/node"), args, { stdio: "inherit" });
// Who ends this one means that one, which would go on alone.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`Run npm ci in the checkout first: ${error.message}`);
  process.exitCode = 3;
});
child.on("exit", (status, signal) => {
  process.exitCode = status ?? 128 + (constants.signals[signal] ?? 0);
});
