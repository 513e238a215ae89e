import { startLedger } from "#local/ledger/server.ts";
import { controls, type OutsideObject, type Target } from "./target.ts";

/** The ledger: each run has a book, which may hold what a second call makes as well. */
export async function ledgerTarget(dir: string): Promise<Target> {
  const ledger = await startLedger({ dir });
  const { LEDGER_TOKEN = "" } = ledger.env;
  const call = controls(ledger.url, `Bearer ${LEDGER_TOKEN}`);
  return {
    url: ledger.url,
    effects: 1,
    approvals: 1,
    ends: "succeeded",
    timeoutMs: 2000,
    env: (gateUrl) => ({ LEDGER_URL: gateUrl, LEDGER_TOKEN }),
    label({ method, path }) {
      if (method === "POST") return "call: create";
      return path.includes("marker=") ? "call: find" : "call: read head";
    },
    async prepare({ runId }) {
      await call("PUT", `/_books/${runId}`, { allowDuplicates: true });
    },
    async strike(book, _, fault) {
      await call("PUT", "/_faults", { book, ...fault });
    },
    async left(book) {
      const found = await call("GET", `/_books/${book}/objects`);
      const { objects } = found as { objects: OutsideObject[] };
      return { objects: objects.map(({ id, marker }) => ({ id, marker })), wrong: [] };
    },
    close: () => ledger.close(),
  };
}
