import { cli } from "./cli.ts";
import { EXIT } from "./exit.ts";

// A reader that has read enough, such as head, is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

process.exitCode = await cli(process.argv.slice(2));
