import { expect, test } from "vitest";
import { remembered } from "./remembered.ts";

const [A, B] = ["a".repeat(40), "b".repeat(40)];

/** Answers one after the other what it is given, the last one for ever; counts how often it was asked. */
function asked<T>(...answers: T[]) {
  let times = 0;
  const ask = remembered(async (_dir, _sha: string, _limit: number | null) => {
    const answer = answers[Math.min(times++, answers.length - 1)] as T;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { ask, times: () => times };
}

test("what was found is asked for once, of each repository, object and number, however many ask at once", async () => {
  const { ask, times } = asked("found");
  const questions = [
    ["one", A, 1],
    ["two", A, 1],
    ["one", B, 1],
    ["one", A, 2],
    ["one", A, null],
  ] as const;
  const all = [...questions, ...questions].map(([dir, sha, limit]) => ask(dir, sha, limit));
  expect(new Set(await Promise.all(all))).toEqual(new Set(["found"]));
  expect(times()).toBe(questions.length);
});

test.each([null, undefined, false, new Error("no such object")])(
  "%s is no answer to keep: the object may come",
  async (missing) => {
    const { ask } = asked<unknown>(missing, "there");
    const first = ask("one", A, 1);
    await (missing instanceof Error
      ? expect(first).rejects.toBe(missing)
      : expect(first).resolves.toBe(missing));
    expect(await ask("one", A, 1)).toBe("there");
  },
);

test("a name of an object may stand for another one tomorrow, and is not remembered", async () => {
  const { ask, times } = asked("found");
  for (const name of ["main", "aaaaaaa", A.toUpperCase()]) {
    await ask("one", name, 1);
    await ask("one", name, 1);
  }
  expect(times()).toBe(6);
});

test("of many answers the oldest are forgotten", async () => {
  const { ask, times } = asked("found");
  for (let limit = 0; limit <= 200; limit++) await ask("one", A, limit);
  await ask("one", A, 200);
  expect(times()).toBe(201);
  await ask("one", A, 0);
  expect(times()).toBe(202);
});
