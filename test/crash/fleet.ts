import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "#db/migrate.ts";
import { startNeon } from "#local/neon/server.ts";
import { copyOfTemplate, databaseUrl, execute, type TestServer } from "../setup/sql.ts";
import { type Cell, type Outcome, runCell } from "./cell.ts";
import { type Lane, startLane } from "./lane.ts";
import { deliveryTarget } from "./targets/delivery.ts";
import { ledgerTarget } from "./targets/ledger.ts";
import { startProviders } from "./targets/providers.ts";
import { removalTarget } from "./targets/removal.ts";
import { repositoryTarget } from "./targets/repository.ts";
import { rollbackTarget } from "./targets/rollback.ts";
import type { Targets } from "./targets/target.ts";

/**
 * Lanes over one PostgreSQL, one ledger and one GitHub, each with a database, an engine and apps of its own, and with providers of
 * target apps of its own: their faults strike whoever comes next.
 */
export interface Fleet {
  /** Runs the cells, as many at a time as there are lanes; outcomes in the order of the cells. */
  run(
    cells: readonly Cell[],
    onOutcome?: (outcome: Outcome) => void | Promise<void>,
  ): Promise<Outcome[]>;
  close(): Promise<void>;
}

export interface FleetOptions {
  readonly lanes: number;
  readonly bundle?: string | undefined;
  /** A local Neon that runs already and has a migrated database to copy; absent: one of its own. */
  readonly server?: TestServer | undefined;
  /** Also what merged changes are deployed to. */
  readonly delivery?: boolean;
}

const TRIES = 3;

/** Starts what lanes share; a lane itself starts with its first cell. */
export async function startFleet({
  lanes,
  bundle,
  delivery = false,
  ...options
}: FleetOptions): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-crash-"));
  // PostgreSQL does not run as root: as root it is another account, which has to get in here.
  await chmod(dir, 0o711);
  const own = options.server ? undefined : await ownServer(join(dir, "neon"));
  const server = options.server ?? own?.server;
  if (!server) throw new Error("there is no server");
  const repository = await repositoryTarget(join(dir, "github"));
  const shared: Targets = { ledger: await ledgerTarget(join(dir, "ledger")), repository };
  let count = 0;
  const lane = async (): Promise<Lane> => {
    const database = await copyOfTemplate(server);
    const at = join(dir, `lane-${count++}`);
    const providers = delivery
      ? await startProviders(join(at, "providers"), { server, repository })
      : undefined;
    const closeOwn = () => providers?.close();
    const targets: Targets = {
      ...shared,
      ...(providers && {
        delivery: deliveryTarget(providers, repository),
        rollback: rollbackTarget(providers, repository),
        removal: removalTarget(providers),
      }),
    };
    const started = await startLane({ dir: at, database, targets, bundle }).catch(async (error) => {
      await closeOwn();
      throw error;
    });
    const close = () => started.close().finally(closeOwn);
    const ours = { ...started, close };
    open.add(ours);
    return ours;
  };
  const open = new Set<Lane>();
  const idle: Lane[] = [];
  let runs = 0;
  let given = 0;
  /** How runs go depends a little on who is faster: a boundary that was missed is tried again. */
  const tried = async (on: Lane, cell: Cell) => {
    for (let tries = 1; ; tries++) {
      const outcome = await runCell(on, cell, `run-${++runs}`).catch((error: Error) => ({
        ...{ cell, missed: false, seconds: 0, crossed: [] },
        wrong: [`the cell could not be judged: ${error.message}`],
        lines: [...on.lines],
      }));
      if (!outcome.missed || outcome.wrong.length > 1 || tries === TRIES) return outcome;
    }
  };

  return {
    async run(cells, onOutcome) {
      const outcomes: Outcome[] = [];
      const queue = [...cells.entries()];
      const first = given;
      given += cells.length;
      const work = async () => {
        let mine = idle.pop() ?? (await lane());
        for (let next = queue.shift(); next; next = queue.shift()) {
          const [at, cell] = next;
          const outcome = { ...(await tried(mine, cell)), at: first + at };
          outcomes[at] = outcome;
          await onOutcome?.(outcome);
          if (outcome.wrong.length === 0) continue;
          // What went wrong may go on: the next cell gets a world without it.
          open.delete(mine);
          await mine.close();
          mine = await lane();
        }
        idle.push(mine);
      };
      await Promise.all(Array.from({ length: Math.min(lanes, cells.length) }, work));
      return outcomes;
    },
    async close() {
      await Promise.all([...open].map((one) => one.close()));
      await Promise.all([shared.ledger?.close(), shared.repository?.close()]);
      await own?.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A local Neon with a migrated database to copy. */
async function ownServer(dir: string): Promise<{ server: TestServer; close(): Promise<void> }> {
  const neon = await startNeon({ dir, durable: false });
  const server = { url: neon.url, wsProxy: neon.env.NEON_WS_PROXY ?? "", template: "migrated" };
  await execute(server, `create database ${server.template}`);
  await migrate({ url: databaseUrl(server.url, server.template), wsProxy: server.wsProxy });
  return { server, close: () => neon.close() };
}
