import { cli } from "./cli.ts";
import { EXIT } from "./exit.ts";

// A reader that has read enough, such as head, ends it without a fault. It is no yes either, since something may be left
// undone; and a no that has been said stays one.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode || EXIT.unread);
  });
}

process.exitCode = await cli(process.argv.slice(2));
