import { expect, test } from "vitest";
import { universalSentenceEncoder } from "./universal-sentence-encoder.ts";

test("queries overtake documents, vectors are unit length, and closing fails what waits", async () => {
  const embedder = universalSentenceEncoder(1);
  try {
    const done: string[] = [];
    const documents = Array.from({ length: 5 }, (_, i) =>
      embedder
        .embed([`Document ${i}: an approval is recorded before its effect.`])
        .then((vectors) => {
          done.push(`document ${i}`);
          return vectors;
        }),
    );
    const [query] = await embedder.embed(["approval"], { urgent: true }).then((vectors) => {
      done.push("query");
      return vectors;
    });
    const [first] = await Promise.all(documents);
    // One document was under way when the query came.
    expect(done.slice(0, 2)).toEqual(["document 0", "query"]);
    for (const vector of [query, first?.[0]]) {
      expect(vector).toHaveLength(embedder.dimension);
      expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
    }
    const [related, unrelated] = await embedder.embed([
      "The permission was granted.",
      "A recipe for soup.",
    ]);
    const dot = (a?: Float32Array, b?: Float32Array) =>
      a?.reduce((sum, x, i) => sum + x * (b?.[i] ?? 0), 0) ?? 0;
    expect(dot(query, related)).toBeGreaterThan(dot(query, unrelated));
    const [long] = await embedder.embed(["word ".repeat(200_000)]);
    expect(long).toHaveLength(embedder.dimension);
    const waiting = embedder.embed(["never"]);
    const outcome = expect(waiting).rejects.toThrow("closed");
    await embedder.close();
    await outcome;
  } finally {
    await embedder.close();
  }
});
