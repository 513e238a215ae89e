/** Answers that are kept, the oldest go first: whoever waits for a pull request asks for the same ones again and again. */
const KEPT = 200;
const FULL_ID = /^[0-9a-f]{40}$/;

type Asked = string | number | null;

/**
 * `ask`, which starts git to answer a question about objects, remembering what was found: objects never change. Only questions
 * whose ids are whole are remembered, and no answer of null, undefined or false: what was not there may come.
 */
export function remembered<Args extends readonly Asked[], T>(
  ask: (dir: string, ...args: Args) => Promise<T>,
): (dir: string, ...args: Args) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (dir, ...args) => {
    if (args.some((arg) => typeof arg === "string" && !FULL_ID.test(arg))) return ask(dir, ...args);
    const key = JSON.stringify([dir, ...args]);
    const known = answers.get(key);
    if (known) return known;
    const forget = () => answers.delete(key);
    const answer = ask(dir, ...args);
    answers.set(key, answer);
    answer.then(
      (found) => (found === null || found === undefined || found === false) && forget(),
      forget,
    );
    for (const oldest of answers.keys()) if (answers.size > KEPT) answers.delete(oldest);
    return answer;
  };
}
