import type { AccountStore } from "./store.ts";

/** What Redis says when a command cannot be done. */
export class RedisError extends Error {}

/** One database's keys: the few commands that an app's first steps and a test take. */
export class Redis {
  readonly #store: AccountStore;
  readonly #database: string;

  constructor(store: AccountStore, database: string) {
    this.#store = store;
    this.#database = database;
  }

  /**
   * Does one command, such as `["SET", "key", "value", "EX", 60]`.
   * @param readOnly refuses what writes. Throws RedisError.
   */
  run(command: readonly (string | number)[], readOnly: boolean): unknown {
    const [name = "", ...args] = command.map(String);
    const found = this.#commands.get(name.toUpperCase());
    if (!found) throw new RedisError(`ERR Command is not available: '${name}'`);
    const { least, most, writes, run } = found;
    if (args.length < least || args.length > most) {
      throw new RedisError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
    }
    if (writes && readOnly) {
      throw new RedisError(`NOPERM this user has no permissions to run '${name}'`);
    }
    return run(args);
  }

  readonly #commands = new Map(
    Object.entries({
      PING: reads(0, 1, ([text = "PONG"]) => text),
      ECHO: reads(1, 1, ([text = ""]) => text),
      GET: reads(1, 1, ([key = ""]) => this.#get(key)?.value ?? null),
      EXISTS: reads(1, 100, (keys) => keys.filter((key) => this.#get(key)).length),
      TTL: reads(1, 1, ([key = ""]) => {
        const row = this.#get(key);
        if (!row) return -2;
        return row.expires_at === null ? -1 : Math.ceil((row.expires_at - Date.now()) / 1000);
      }),
      SET: writes(2, 5, ([key = "", value = "", ...options]) => this.#set(key, value, options)),
      DEL: writes(1, 100, (keys) => {
        return keys.filter((key) => this.#store.unset(this.#database, key)).length;
      }),
      EXPIRE: writes(2, 2, ([key = "", seconds = ""]) => {
        const row = this.#get(key);
        const expiresAt = Date.now() + integer(seconds) * 1000;
        if (row) this.#store.set(this.#database, key, row.value, expiresAt);
        return row ? 1 : 0;
      }),
      INCR: writes(1, 1, ([key = ""]) => this.#add(key, 1)),
      DECR: writes(1, 1, ([key = ""]) => this.#add(key, -1)),
      INCRBY: writes(2, 2, ([key = "", by = ""]) => this.#add(key, integer(by))),
    }),
  );

  #get(key: string) {
    return this.#store.get(this.#database, key);
  }

  #add(key: string, by: number): number {
    const row = this.#get(key);
    const sum = integer(row?.value ?? "0") + by;
    this.#store.set(this.#database, key, String(sum), row?.expires_at ?? null);
    return sum;
  }

  #set(key: string, value: string, options: readonly string[]): "OK" | null {
    let expiresAt: number | null = null;
    let needs: boolean | undefined;
    for (let i = 0; i < options.length; i++) {
      const option = options[i]?.toUpperCase();
      if (option === "EX") expiresAt = Date.now() + positive(options[++i]) * 1000;
      else if (option === "PX") expiresAt = Date.now() + positive(options[++i]);
      else if (option === "NX" || option === "XX") needs = option === "XX";
      else throw new RedisError("ERR syntax error");
    }
    const there = this.#get(key) !== undefined;
    if (needs !== undefined && needs !== there) return null;
    this.#store.set(this.#database, key, value, expiresAt);
    return "OK";
  }
}

interface Command {
  readonly least: number;
  readonly most: number;
  readonly writes: boolean;
  readonly run: (args: readonly string[]) => unknown;
}

function reads(least: number, most: number, run: Command["run"]): Command {
  return { least, most, writes: false, run };
}

function writes(least: number, most: number, run: Command["run"]): Command {
  return { least, most, writes: true, run };
}

function integer(text: string): number {
  const number = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new RedisError("ERR value is not an integer or out of range");
}

function positive(text = ""): number {
  const number = integer(text);
  if (number > 0) return number;
  throw new RedisError("ERR invalid expire time in 'set' command");
}
