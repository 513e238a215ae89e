import type { GetStepTools } from "inngest";
import type { inngest } from "#lib/events/client.ts";

/** Seconds to wait for a word from people, from checks and from a build before looking without one; the last goes on. */
export const PEOPLE = [5, 60, 300, 3600];
export const CHECKS = [2, 10, 20, 60, 120, 300];
export const BUILD = [2, 5, 10, 20, 60];
/** The same for documents that are being read, of which nothing brings word. */
export const FILES = [1, 2, 3, 5, 10, 20];

/**
 * Waits between looks at what others change, until an event of that name or the time is over. What is told between a look and
 * the wait after it wakes nobody, and words come in swarms: so the waits are short at first and after each word, and grow while
 * there is none.
 *
 * The event is given by its name and not its type. Given the type, the SDK checks what came, and one that does not fit would end
 * the run for good; nobody reads it, since whoever wakes looks again.
 */
export function pauses(
  step: GetStepTools<typeof inngest>,
  { name: event }: { readonly name: string },
  lengths: readonly number[],
): (look: number, when: string, atMostSeconds?: number | null) => Promise<void> {
  let quiet = 0;
  return async (look, when, atMostSeconds) => {
    const usual = lengths[Math.min(quiet, lengths.length - 1)] ?? 60;
    const timeout = `${Math.min(usual, atMostSeconds ?? usual)}s`;
    const word = await step.waitForEvent(`wait-${look}`, { event, timeout, if: when });
    quiet = word ? 0 : quiet + 1;
  };
}
