import { type SQL, sql } from "drizzle-orm";
import type { TestCloud } from "./cloud.ts";

/**
 * Time that goes on by hours at once in a cloud whose database is its own: the app's, the engine's and PostgreSQL's. The other
 * services keep ours, as the outside world's clocks are not ours to set.
 */
export class Clock {
  readonly #world: TestCloud;
  #aheadMs = 0;

  private constructor(world: TestCloud) {
    this.#world = world;
  }

  /**
   * Puts clocks of its own in front of PostgreSQL's, for all connections that are opened from now on, and for what columns
   * hold when nothing is said. The app has to be started anew to have such connections, as {@link pass} does.
   */
  static async of(world: TestCloud): Promise<Clock> {
    const run = (statement: SQL) => world.database.execute(statement);
    await run(sql`create schema clock`);
    await run(sql`create table clock.ahead (ahead interval not null)`);
    await run(sql`insert into clock.ahead values ('0')`);
    for (const name of ["now", "clock_timestamp"]) {
      await run(
        sql.raw(`create function clock.${name}() returns timestamptz language sql
          as 'select pg_catalog.${name}() + ahead from clock.ahead'`),
      );
    }
    const { rows } = await run(sql`
      select format('alter table %I.%I alter column %I set default clock.now()',
        table_schema, table_name, column_name) as statement
      from information_schema.columns where table_schema = 'public' and column_default = 'now()'`);
    if (rows.length === 0) throw new Error("no column says now()");
    for (const { statement } of rows) await run(sql.raw(String(statement)));
    const name = new URL(world.cloud.databaseUrl).pathname.slice(1);
    await run(sql.raw(`alter database "${name}" set search_path = clock, public, pg_catalog`));
    return new Clock(world);
  }

  /** Kills app and engine, lets time pass, and starts them again. @param meanwhile what happens in the world outside. */
  async pass(hours: number, meanwhile?: () => Promise<void>): Promise<void> {
    const { cloud, database } = this.#world;
    await Promise.all([cloud.parts.app.kill(), cloud.parts.inngest?.kill()]);
    await meanwhile?.();
    this.#aheadMs += hours * 60 * 60_000;
    const ahead = `${this.#aheadMs} milliseconds`;
    await database.execute(sql`update clock.ahead set ahead = ${ahead}::interval`);
    const clockAheadMs = this.#aheadMs;
    await cloud.restart("inngest", { clockAheadMs });
    await cloud.restart("app", { clockAheadMs });
  }
}
