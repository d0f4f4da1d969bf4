/**
 * No system, but what a queue on Redis costs at the least when a job has a number and a record of
 * its own: three bare scripts and nothing around them. No attempts, no bounds, no options, nobody
 * who takes over from the dead, no answer asked for again; handlers that take time are not run.
 * The difference to it is what all of that costs.
 */
import { createHash } from "node:crypto";
import { Command, Redis } from "ioredis";

/** @typedef {import("../lib/system.mjs").System} System */
/** @typedef {import("../lib/payload.mjs").Payload} Payload */

/** Jobs of one call; what stands ready is twice as much. */
const PER_CALL = 250;
const IN_FLIGHT = 2;
const LEASE_MS = 30_000;

/** KEYS: line, records, the last number. ARGV: a record for each job. */
const PUSH = `
local count = #ARGV
local number = redis.call('INCRBY', KEYS[3], count) - count
local numbers, fields = {}, {}
for k = 1, count do
  numbers[k] = number + k
  fields[2 * k - 1] = number + k
  fields[2 * k] = ARGV[k]
end
redis.call('HSET', KEYS[2], unpack(fields))
redis.call('RPUSH', KEYS[1], unpack(numbers))
return number`;

/** KEYS: line, records, leases. ARGV: what lease has ended or ''; how many to claim; until when. */
const WORK = `
if ARGV[1] ~= '' then
  if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then return { 'lost' } end
  local numbers = {}
  for number in string.gmatch(ARGV[1], '%d+') do numbers[#numbers + 1] = number end
  redis.call('HDEL', KEYS[2], unpack(numbers))
end
local numbers = redis.call('LPOP', KEYS[1], ARGV[2])
if not numbers then return { '' } end
local lease = table.concat(numbers, ' ')
redis.call('ZADD', KEYS[3], ARGV[3], lease)
local records = redis.call('HMGET', KEYS[2], unpack(numbers))
return { lease, table.concat(records, '\\0') }`;

/** A command that is encoded already: what the library does to each argument costs more. */
class Encoded extends Command {
  /** @param {string} text */
  constructor(text) {
    super("evalsha", [], { replyEncoding: "utf8" });
    this.text = text;
  }

  /** @override */
  toWritable() {
    return this.text;
  }
}

/** @param {number} port */
async function connect(port) {
  const redis = new Redis({ port, host: "127.0.0.1" });
  await redis.ping();
  /**
   * @param {string} script
   * @returns {Promise<(keys: readonly string[], args: readonly string[]) => Promise<any>>}
   */
  const loaded = async (script) => {
    await redis.call("SCRIPT", "LOAD", script);
    const sha1 = createHash("sha1").update(script).digest("hex");
    return (keys, args) => {
      const count = 3 + keys.length + args.length;
      let text = `*${count}\r\n$7\r\nEVALSHA\r\n$40\r\n${sha1}\r\n$1\r\n${keys.length}\r\n`;
      for (const key of keys) text += `$${key.length}\r\n${key}\r\n`;
      for (const arg of args) text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      return /** @type {Promise<any>} */ (redis.sendCommand(new Encoded(text)));
    };
  };
  return { redis, push: await loaded(PUSH), work: await loaded(WORK) };
}

/**
 * The third one is of the script that it is for.
 * @param {string} taskId
 * @param {"last" | "leases"} third
 */
const keysOf = (taskId, third) =>
  ["line", "records", third].map((name) => `bare:${taskId}:${name}`);

/** @type {System} */
export const system = {
  title: "bare scripts",
  usesRedis: true,
  onlyCases: ["enqueue-single", "enqueue-many", "drain-100"],
  async produce({ port }) {
    const { redis, push } = await connect(port);
    /** @type {Map<string, { texts: string[], resolves: ((value: unknown) => void)[] }>} */
    const gathered = new Map();
    /** @param {string} taskId */
    const flush = (taskId) => {
      const { texts, resolves } = gathered.get(taskId) ?? { texts: [], resolves: [] };
      gathered.delete(taskId);
      if (texts.length === 0) return;
      void push(keysOf(taskId, "last"), texts).then((first) => {
        for (const [k, resolve] of resolves.entries()) resolve(first + k);
      });
    };
    return {
      push: (taskId, data) =>
        new Promise((resolve) => {
          let call = gathered.get(taskId);
          if (call === undefined) {
            call = { texts: [], resolves: [] };
            gathered.set(taskId, call);
            setImmediate(flush, taskId);
          }
          call.texts.push(JSON.stringify(data));
          call.resolves.push(resolve);
          if (call.texts.length === PER_CALL) flush(taskId);
        }),
      async pushMany(taskId, items) {
        const calls = [];
        for (let k = 0; k < items.length; k += PER_CALL) {
          const texts = items.slice(k, k + PER_CALL).map((data) => JSON.stringify(data));
          calls.push(push(keysOf(taskId, "last"), texts));
        }
        await Promise.all(calls);
      },
      left: async (taskId) => await redis.hlen(keysOf(taskId, "last")[1] ?? ""),
      close: () => redis.quit(),
    };
  },
  async work({ port }, { taskIds, run }) {
    const { redis, work } = await connect(port);
    let open = true;
    /** @param {string} taskId */
    const lane = async (taskId) => {
      const keys = keysOf(taskId, "leases");
      for (let lease = ""; open || lease !== ""; ) {
        const wanted = String(open ? PER_CALL : 0);
        const until = String(Date.now() + LEASE_MS);
        const [next, joined = ""] = await work(keys, [lease, wanted, until]);
        lease = next;
        if (lease === "") await new Promise((resolve) => void setTimeout(resolve, 10));
        else for (const record of joined.split("\0")) run(JSON.parse(record));
      }
    };
    const lanes = taskIds.flatMap((taskId) => {
      return Array.from({ length: IN_FLIGHT }, () => lane(taskId));
    });
    return {
      async close() {
        open = false;
        await Promise.all(lanes);
        await redis.quit();
      },
    };
  },
};
