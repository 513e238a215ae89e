import { openPool } from "../../db/pool.ts";
import type { ProjectRow } from "./store.ts";

/** Of the lock under which rights on shared databases change: two servers on one cluster must not do it at once. */
const LOCK = 7_201_455;
const TAKE_OVER_MS = 10_000;

/** The PostgreSQL that the projects' databases are in, as its administrator. */
export class Cluster {
  readonly #url: string;
  readonly #pool: ReturnType<typeof openPool>;
  readonly #application: string;

  /** @param url of an administrator, @param wsProxy the relay in front of it, @param tag tells this server from others. */
  constructor({ url, wsProxy, tag }: { url: string; wsProxy: string; tag: string }) {
    this.#url = url;
    this.#application = `neon-api-${tag}`;
    const named = new URL(url);
    named.searchParams.set("application_name", this.#application);
    this.#pool = openPool({ url: named.href, wsProxy }, { poolSize: 2 });
  }

  /**
   * Ends what an earlier process of this server is still doing there: PostgreSQL goes on with a statement whose sender was
   * killed, and a database could appear while it is looked for. To be called before anything else is.
   */
  async takeOver(): Promise<void> {
    const { rows } = await this.#pool.query<{ pid: number; ended: boolean }>(
      `select pid, pg_terminate_backend(pid, ${TAKE_OVER_MS}) as ended from pg_stat_activity
       where application_name = $1 and pid <> pg_backend_pid()`,
      [this.#application],
    );
    // False is also said of one that was gone by itself before its turn.
    const others = rows.filter(({ ended }) => !ended).map(({ pid }) => pid);
    const { rows: left } = await this.#pool.query(
      "select 1 from pg_stat_activity where application_name = $1 and pid = any($2)",
      [this.#application, others],
    );
    if (left.length > 0) {
      throw new Error(`what ${this.#application} began does not end within ${TAKE_OVER_MS} ms`);
    }
  }

  /**
   * Everybody may connect to a new database of PostgreSQL: takes that away for the databases that are not a project's, so
   * that the role of a project reaches its own alone. Administrators are not concerned.
   */
  async shut(): Promise<void> {
    const connection = await this.#pool.connect();
    try {
      await connection.query("begin");
      await connection.query(`select pg_advisory_xact_lock(${LOCK})`);
      const { rows } = await connection.query<{ name: string }>(
        `select quote_ident(datname) as name from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) acl
         where datname in (current_database(), 'postgres', 'template1')
         and acl.grantee = 0 and acl.privilege_type = 'CONNECT'`,
      );
      for (const { name } of rows) {
        await connection.query(`revoke connect on database ${name} from public`);
      }
      await connection.query("commit");
    } catch (error) {
      await connection.query("rollback");
      throw error;
    } finally {
      connection.release();
    }
  }

  /** Makes the database of a project and the role that owns it; what is there already stays. */
  async make({ database, role, password }: ProjectRow): Promise<void> {
    // Names and passwords are ours: letters, digits, dashes and underscores.
    if (!(await this.#has("pg_roles", "rolname", role))) {
      await this.#pool.query(`create role "${role}" login password '${password}'`);
    }
    if (!(await this.#has("pg_database", "datname", database))) {
      await this.#pool.query(`create database "${database}" owner "${role}" template template0`);
    }
    await this.#pool.query(`revoke all on database "${database}" from public`);
  }

  /** Removes both; what is gone already is fine. */
  async drop({ database, role }: ProjectRow): Promise<void> {
    await this.#pool.query(`drop database if exists "${database}" with (force)`);
    await this.#pool.query(`drop role if exists "${role}"`);
  }

  /** The databases and roles there whose names begin so. */
  async existing(begin: {
    database: string;
    role: string;
  }): Promise<{ databases: string[]; roles: string[] }> {
    const names = async (catalogue: string, column: string, prefix: string) => {
      const { rows } = await this.#pool.query<{ name: string }>(
        `select ${column} as name from ${catalogue} where starts_with(${column}, $1) order by 1`,
        [prefix],
      );
      return rows.map(({ name }) => name);
    };
    return {
      databases: await names("pg_database", "datname", begin.database),
      roles: await names("pg_roles", "rolname", begin.role),
    };
  }

  /** How an app connects to a project. A pooler there is none: the relay and PostgreSQL have room enough. */
  uri({ database, role, password }: ProjectRow): string {
    const { host } = new URL(this.#url);
    return `postgresql://${role}:${password}@${host}/${database}`;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #has(catalogue: string, column: string, name: string): Promise<boolean> {
    const { rows } = await this.#pool.query(`select 1 from ${catalogue} where ${column} = $1`, [
      name,
    ]);
    return rows.length > 0;
  }
}
