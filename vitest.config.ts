import { defineConfig } from "vitest/config";
import { librariesInOneFile } from "./test/setup/libraries.ts";
import { WholeSystemFirst } from "./test/setup/sequencer.ts";

export default defineConfig({
  resolve: { alias: await librariesInOneFile() },
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**", ".local/**", "samples/**"],
    globalSetup: ["test/setup/global.ts"],
    sequence: { sequencer: WholeSystemFirst },
    pool: "forks",
    // Four even on two cores: tests of waits and retries mostly wait.
    maxWorkers: 4,
    // A young generation that is large at once: half of the collections of a short process are for growing it.
    execArgv: ["--min-semi-space-size=16", "--max-semi-space-size=32"],
    // What takes seconds takes many on a slow machine whose cores are all busy: it is there for what hangs.
    testTimeout: 40_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A condition that a second would do for is waited for longer when both cores are busy.
    expect: { poll: { timeout: 15_000 } },
  },
});
