import { type Command, CommanderError } from "commander";
import { CountersignError } from "#lib/errors.ts";
import { EXIT, Failure } from "./exit.ts";
import { clean, complain } from "./output.ts";
import { program } from "./program.ts";

/** Does what the arguments say and returns the exit code. What goes wrong is told in a sentence. */
export async function cli(args: readonly string[]): Promise<number> {
  const countersign = program();
  for (const command of everyOf(countersign)) {
    command.exitOverride().configureOutput({
      writeErr: (text) => process.stderr.write(clean(text)),
    });
  }
  try {
    await countersign.parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    return told(error);
  }
}

/** Only a fault of ours shows where it happened. */
function told(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has said it itself. Help that was asked for is no error.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof Failure) {
    if (error.message !== "") complain(error.message);
    return error.exit;
  }
  if (error instanceof CountersignError) {
    complain(error.message);
    return error.code === "environment" ? EXIT.usage : EXIT.negative;
  }
  complain(`This is a fault of countersign: ${error instanceof Error ? error.stack : error}`);
  return EXIT.bug;
}

function everyOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyOf)];
}
