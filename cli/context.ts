import { type Command, InvalidArgumentError } from "commander";
import { Api } from "./api.ts";
import { type Flags, type Settings, settings } from "./settings.ts";

/** What every command works with. */
export interface Context {
  readonly settings: Settings;
  /** For programs: one JSON value a line, and nobody is asked. */
  readonly json: boolean;
  /** Throws Failure when it was not said where it is or who asks. */
  api(): Api;
}

/** The context of a command that commander calls. */
export function contextOf(command: Command): Context {
  const flags = command.optsWithGlobals<Flags & { json?: boolean }>();
  const found = settings(flags);
  return { settings: found, json: flags.json === true, api: () => new Api(found) };
}

/** A whole number of an option, from 1 to `max`. */
export function upTo(max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1 && number <= max) return number;
    throw new InvalidArgumentError(`must be a whole number from 1 to ${max}`);
  };
}

export const HOUR = 3600;

/** A command that shows a list by pages. */
export function byPages(command: Command): Command {
  return command
    .option("--limit <n>", "at most so many", upTo(100), 20)
    .option("--cursor <cursor>", "go on behind the page that gave this nextCursor");
}
