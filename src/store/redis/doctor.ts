/**
 * examine: what a Redis server is like, for people. On a connection of its own; it only reads. Of a
 * Cluster each primary is examined like that: see cluster/doctor.ts.
 */
import type { Clock } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import { SchedulerError } from "../../core/errors.js";
import { type Finding, finding, hidden, unboundTasks } from "../../core/finding.js";
import type { ExamineArgs } from "../contract.js";
import { bareError } from "./bare-error.js";
import { addressOf, type Client, type Command, connect } from "./client.js";
import { type Examined, examineNodes } from "./cluster/doctor.js";
import { ShardKeys } from "./keys.js";
import { LAYOUT_VERSION } from "./layout.js";
import { examineRights } from "./rights.js";
import {
  askInfo,
  askSettings,
  checkServer,
  FORGETS,
  field,
  type ServerSettings,
} from "./server.js";
import { askSkew, ofClock, type Skew } from "./skew.js";
import { unseenTasks } from "./unbound.js";

/** A server that says nothing for this long is left. */
const LONGEST_S = 10;

/** One server, and what of the data it has. */
export interface Patient {
  /** `host:port` of a node of a Cluster; null: there is one server. */
  node: string | null;
  shards: readonly number[];
  makeClient: () => Promise<() => Client>;
}

export interface Practice {
  /** Rejects when nobody says which there are. */
  patients: () => Promise<readonly Patient[]>;
  prefix: string;
  durability: Durability;
  clock: Clock;
}

export async function examine(practice: Practice, args: ExamineArgs): Promise<Finding[]> {
  const patients = await practice.patients();
  const [only] = patients;
  if (only?.node === null) return (await examineServer(only, practice, args)).findings;
  return await examineNodes(patients, (patient) => examineServer(patient, practice, args));
}

async function examineServer(
  patient: Patient,
  practice: Practice,
  args: ExamineArgs,
): Promise<Examined> {
  const client = (await patient.makeClient())();
  let isSilent = false;
  const timer = practice.clock.after(LONGEST_S * 1_000, () => {
    isSilent = true;
    client.disconnect();
  });
  const command: Command = (name, ...rest) => client.call(name, ...rest);
  try {
    await connect(client);
    await tryAnything(command);
    const value = patient.node === null ? addressOf(client) : undefined;
    const reached = finding("STORE_REACHABLE", "ok", "the server answers", { value });
    const skew = await askSkew(command, practice.clock);
    const findings = await findingsOf({ command, patient, skew, ...practice, ...args });
    return { findings: [reached, ...findings], skew };
  } catch (error) {
    throw isSilent ? silent(addressOf(client)) : error;
  } finally {
    timer.cancel();
    client.disconnect();
  }
}

function silent(address: string): SchedulerError {
  const message = `Redis at ${address} takes connections, and has not answered for ${LONGEST_S} s`;
  const fix = "see whether the process is stopped, or busy with something long (SLOWLOG GET)";
  return new SchedulerError("STORE_UNREACHABLE", message, { fix });
}

/** A server that loads its data, or wants a password, answers everything with an error. */
async function tryAnything(command: Command): Promise<void> {
  try {
    await command("PING");
  } catch (thrown) {
    const error = bareError(thrown);
    const text = error instanceof Error ? error.message : String(error);
    if (/^NOPERM/.test(text)) return;
    const fix = "wait for the server, or correct redisConfig";
    throw new SchedulerError("STORE_REFUSED", text, { fix, cause: error });
  }
}

interface Round extends Practice, ExamineArgs {
  command: Command;
  patient: Patient;
  skew: Skew | null;
}

async function findingsOf(round: Round): Promise<Finding[]> {
  const { command, patient, prefix, durability, clock, skew } = round;
  const all = patient.shards.map((shard) => new ShardKeys({ prefix, shard, identity: "doctor" }));
  const settings = await askSettings(command);
  const findings = [
    await examineVersion(command),
    ofEviction(settings),
    ofPersistence(settings),
    ofFsync(settings, durability),
    await examineDisk(command),
    await examineMemory(command),
    await examineReplicas(command, durability),
    await examineRights(command, { prefix, isCluster: patient.node !== null }),
    ofClock(skew),
    ...(await Promise.all(all.map((keys) => examineLayout(command, keys)))),
  ];
  const { boundTaskIds } = round;
  const unseen = await Promise.all(
    all.map((keys) => unseenTasks({ command, keys, clock, boundTaskIds })),
  );
  findings.push(
    unseen.includes(null)
      ? hidden("UNBOUND_TASKS", "which tasks have jobs", "to read the keys of the prefix")
      : unboundTasks([...new Set(unseen.flatMap((tasks) => tasks ?? []))]),
  );
  return findings;
}

async function examineVersion(command: Command): Promise<Finding> {
  const code = "SERVER_VERSION";
  try {
    const { version } = await checkServer(command);
    if (version === null) return hidden(code, "the version of the server", "+info");
    return finding(code, "ok", `the server is ${version}`, { value: version });
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error;
    const { fix = "", value } = error;
    return finding(code, "error", "the server is too old", { fix, value });
  }
}

function ofEviction({ policy }: ServerSettings): Finding {
  const code = "EVICTION";
  if (policy === "") return hidden(code, "maxmemory-policy", "+config|get");
  if (policy === "noeviction") {
    return finding(code, "ok", "a full server refuses, and deletes nothing", { value: policy });
  }
  const fix = 'set "maxmemory-policy noeviction"';
  return policy.startsWith("volatile-")
    ? finding(code, "warning", `a full server ${FORGETS}`, { fix, value: policy })
    : finding(code, "error", "a full server deletes jobs and schedules", { fix, value: policy });
}

function ofPersistence({ appendonly, save }: ServerSettings): Finding {
  const code = "PERSISTENCE";
  const fix = 'set "appendonly yes"';
  if (appendonly === "") return hidden(code, "what the server keeps on its disk", "+config|get");
  if (appendonly === "yes") {
    return finding(code, "ok", "every change is kept in the append-only file", { value: "aof" });
  }
  if (save === "") return hidden(code, "whether the server makes snapshots", "+config|get");
  return save === "none"
    ? finding(code, "error", "a restart of the server loses everything", { fix, value: "none" })
    : finding(code, "warning", "a crash undoes all since the last snapshot", { fix, value: "rdb" });
}

function ofFsync(settings: ServerSettings, durability: Durability): Finding {
  const code = "FSYNC";
  const { appendonly, appendfsync } = settings;
  if (appendonly === "") return hidden(code, "when the disk has what was answered", "+config|get");
  const value = appendonly === "yes" ? appendfsync : "off";
  if (durability !== "store" && appendonly !== "yes") {
    const fix = 'set "appendonly yes"';
    return finding(code, "error", `durability "${durability}" cannot be kept`, { fix, value });
  }
  if (durability !== "store" && appendfsync === "no") {
    const fix = 'set "appendfsync always"';
    return finding(code, "error", "answers wait for a disk that is not asked", { fix, value });
  }
  if (durability !== "store") {
    return finding(code, "ok", `durability "${durability}": answers wait for the disk`, { value });
  }
  if (value === "always") return finding(code, "ok", "each answer waits for the disk", { value });
  const fix = 'set "appendfsync always", or durability: "fsync", if that is too much';
  if (value === "everysec") {
    return finding(code, "info", "a power cut can undo the last 2 s", { fix, value });
  }
  if (value === "no") {
    return finding(code, "warning", "a power cut can undo the last half minute", { fix, value });
  }
  return finding(code, "info", "there is no append-only file to sync: see PERSISTENCE", { value });
}

async function examineDisk(command: Command): Promise<Finding> {
  const code = "DISK_WRITES";
  const info = await askInfo(command, "persistence");
  if (info === "") return hidden(code, "whether the server can write its disk", "+info");
  const failed = [
    "aof_last_write_status",
    "aof_last_bgrewrite_status",
    "rdb_last_bgsave_status",
  ].filter((name) => (field(info, name) ?? "ok") !== "ok");
  if (failed.length === 0) return finding(code, "ok", "the server's last writes to disk went well");
  return finding(code, "error", "the server cannot write its disk, and may refuse every change", {
    ...{ fix: "free space on its disk, and read its log", value: failed },
  });
}

async function examineMemory(command: Command): Promise<Finding> {
  const code = "MEMORY";
  const info = await askInfo(command, "memory");
  const [used, most] = [field(info, "used_memory"), field(info, "maxmemory")];
  if (used === null || most === null) return hidden(code, "how much memory is used", "+info");
  const value = { used: Number(used), max: Number(most) };
  if (value.max === 0) {
    return finding(code, "info", "the server may use all memory of its machine", {
      ...{ fix: 'set "maxmemory", so that it refuses before the system kills it', value },
    });
  }
  const share = value.used / value.max;
  const fix = "raise maxmemory, run more schedulers, or keep less (retention, payloads)";
  const text = `${Math.round(share * 100)} % of maxmemory are used`;
  if (share >= 0.95) return finding(code, "error", `${text}: pushes are refused`, { fix, value });
  if (share >= 0.8) return finding(code, "warning", text, { fix, value });
  return finding(code, "ok", text, { value });
}

async function examineReplicas(command: Command, durability: Durability): Promise<Finding> {
  const code = "REPLICAS";
  const info = await askInfo(command, "replication");
  const [role, count] = [field(info, "role"), field(info, "connected_slaves")];
  if (role === null || count === null) return hidden(code, "whether there are replicas", "+info");
  if (role !== "master") {
    const fix = "connect to the primary, or use Sentinel";
    return finding(code, "error", "this server is a replica: it refuses changes", {
      ...{ fix, value: role },
    });
  }
  const value = Number(count);
  if (value > 0) {
    return finding(code, "ok", "a failover may undo what the replica had not received", { value });
  }
  return durability === "replicas"
    ? finding(code, "error", 'durability "replicas" cannot be kept: none is connected', {
        ...{ fix: "start a replica", value },
      })
    : finding(code, "info", "no replica: while the server is away, everything waits", { value });
}

async function examineLayout(command: Command, keys: ShardKeys): Promise<Finding> {
  const code = "LAYOUT";
  let found: string | null;
  try {
    found = (await command("HGET", keys.layout, "version")) as string | null;
  } catch (error) {
    const isOther = error instanceof Error && error.message.startsWith("WRONGTYPE");
    if (!isOther) return hidden(code, "the layout of the data", "+hget on the keys of the prefix");
    found = "of another type";
  }
  if (found === null) return finding(code, "info", "there are no data under this prefix yet");
  const value = /^\d+$/.test(found) ? Number(found) : found;
  if (value === LAYOUT_VERSION)
    return finding(code, "ok", "the data are of this version", { value });
  if (typeof value === "number" && value > LAYOUT_VERSION) {
    const fix = "update schedule-mq here, or use another redisPrefix";
    return finding(code, "error", "a newer version wrote the data", { fix, value });
  }
  if (typeof value === "number" && value >= 1) {
    const fix = "stop all schedulers of the older version, then start: it lifts the data";
    return finding(code, "warning", "an older version wrote the data", { fix, value });
  }
  const fix = "use another redisPrefix, or delete that key";
  return finding(code, "error", "something else wrote the layout record", { fix, value });
}
