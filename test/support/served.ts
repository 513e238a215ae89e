import { createHash } from "node:crypto";
import type { InngestFunction } from "inngest";
import { serve } from "inngest/edge";
import { inngest } from "#lib/events/client.ts";

/** What a function would do next after these steps, which ended with `data` or for good with `error`: as the engine is told. */
export async function after(
  functions: readonly InngestFunction.Any[],
  id: string,
  data: Record<string, unknown>,
  steps: Record<string, { data: unknown } | { error: Error }>,
  name = "inngest/function.invoked",
): Promise<unknown> {
  const hash = (step: string) => createHash("sha1").update(step).digest("hex");
  const client = inngest.setEnvVars({ INNGEST_DEV: "1" });
  const served = serve({ client, functions: [...functions] });
  const done = Object.entries(steps).map(([step, result]) => [
    ...[
      hash(step),
      "data" in result ? { type: "data", ...result } : { type: "error", error: said(result.error) },
    ],
  ]);
  const event = { name, id: "e", ts: 1, data };
  const stack = { stack: done.map(([step]) => step), current: done.length };
  const ctx = {
    ...{ fn_id: id, run_id: "r", env: "local", step_id: "step", attempt: 0 },
    ...{ disable_immediate_execution: true, use_api: false, stack },
  };
  const response = await served(
    new Request(`http://localhost/api/inngest?fnId=countersign-${id}&stepId=step`, {
      method: "POST",
      headers: { host: "localhost" },
      body: JSON.stringify({
        ...{ version: 2, ctx, event, events: [event], steps: Object.fromEntries(done) },
      }),
    }),
  );
  return await response.json();
}

const said = ({ name, message }: Error) => ({ name, message, stack: "" });
