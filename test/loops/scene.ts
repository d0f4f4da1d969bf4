/**
 * Schedulers on one real in-memory database, with a clock that only the test moves: either the
 * loops' steps, called by hand, or whole schedulers. Every store is wrapped in a thin recorder.
 */
import { systemChance } from "../../src/chance.js";
import { SchedulerError } from "../../src/core/errors.js";
import {
  Emitter,
  EVENT_NAMES,
  type EventMap,
  type EventName,
  type Listener,
} from "../../src/core/events.js";
import {
  type CheckedBind,
  checkBind,
  checkPush,
  checkRegister,
  checkSchedulerOptions,
} from "../../src/core/options.js";
import { createSchedulerWith } from "../../src/create.js";
import { Engine } from "../../src/loops/engine.js";
import { Registrations } from "../../src/loops/registrations.js";
import { settleDue } from "../../src/loops/settle-due.js";
import type { ShardEngine } from "../../src/loops/shard-engine.js";
import type { JobView, Store, TaskCounts } from "../../src/store/contract.js";
import { createMemoryDatabase, createSqliteStore } from "../../src/store/sqlite/store.js";
import { createTestClock, type TestClock } from "../../src/testing/clock.js";
import type {
  BindOptions,
  Handler,
  HandlerContext,
  PushOptions,
  Scheduler,
} from "../../src/types.js";

export type Verb = keyof Store;

export interface Call {
  verb: Verb;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into the arguments of any verb
  args: any;
}

/** A real store that notes what is asked of it, and can be cut off. */
export interface Recorded {
  store: Store;
  calls: Call[];
  count(verb: Verb): number;
  /** Called before each verb; what it throws or awaits comes before the store hears of the call. */
  before: (call: Call) => void | Promise<void>;
  /** The same after the store has carried it out, before the answer arrives. */
  after: (call: Call) => void | Promise<void>;
}

const VERBS: ReadonlySet<string> = new Set(
  (
    "open push work look renew reap register fire trigger pause remove schedule schedules tend " +
    "recover get cancel redrive list counts prune close"
  ).split(" "),
);

export function record(real: Store): Recorded {
  const calls: Call[] = [];
  const recorded: Recorded = {
    store: new Proxy(real, { get: (target, name) => wrapped(target, String(name)) }),
    calls,
    count: (verb) => calls.filter((call) => call.verb === verb).length,
    before: () => {},
    after: () => {},
  };
  function wrapped(target: Store, name: string): unknown {
    const member = Reflect.get(target, name);
    if (typeof member !== "function") return member;
    const method = member.bind(target);
    if (!VERBS.has(name)) return method;
    return async (args: unknown) => {
      const call = { verb: name as Verb, args };
      calls.push(call);
      await recorded.before(call);
      const answer = await method(args);
      await recorded.after(call);
      return answer;
    };
  }
  return recorded;
}

export function unreachable(): SchedulerError {
  return new SchedulerError("STORE_UNREACHABLE", "cut off by the test");
}

/** Something that a test lets go on when it wants. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

export type Told = { [Name in EventName]: { name: Name; payload: EventMap[Name] } }[EventName];

interface Listening {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): unknown;
}

/** Everything that the emitter or scheduler tells from now on. */
export function listen(to: Listening): Told[] {
  const told: Told[] = [];
  for (const name of EVENT_NAMES) {
    to.on(name, (payload) => void told.push({ name, payload } as Told));
  }
  return told;
}

/** The payloads of one event. */
export function ofEvent<Name extends EventName>(told: Told[], name: Name): EventMap[Name][] {
  return told.filter((each) => each.name === name).map((each) => each.payload as EventMap[Name]);
}

export interface MemberArgs {
  bind?: Record<string, Handler | [Handler, BindOptions]>;
  register?: [taskId: string, options: object][];
  options?: Record<string, unknown>;
}

/** The loops of one scheduler, not started: its steps are the test's to call. */
export interface Member extends Recorded {
  engine: ShardEngine;
  told: Told[];
  registrations: Registrations;
  /** One call of the pump for everything that may be there, and whatever that sets off. */
  work(): Promise<void>;
}

export interface Scene {
  clock: TestClock;
  openStore(): Recorded;
  member(args?: MemberArgs): Promise<Member>;
  scheduler(options?: Record<string, unknown>): Recorded & { scheduler: Scheduler };
  push(taskId: string, options?: PushOptions): Promise<string>;
  get(taskId: string, id: string): Promise<JobView | null>;
  counts(taskId: string): Promise<TaskCounts>;
}

const LIMITS = { payloadLimitBytes: 1_048_576 };

export function createScene(): Scene {
  const clock = createTestClock();
  const database = createMemoryDatabase({ clock, chance: systemChance });
  const openStore = (): Recorded => {
    const identity = systemChance.identity();
    const own = { prefix: "test:", durability: "store", identity, clock } as const;
    return record(createSqliteStore({ ...own, target: database, chance: systemChance }));
  };
  const { store: bystander } = openStore();

  async function member({ bind = {}, register = [], options }: MemberArgs = {}): Promise<Member> {
    const recorded = openStore();
    const emitter = new Emitter(SILENT);
    const told = listen(emitter);
    const schedules = register.map(([taskId, rule]) => checkRegister(taskId, rule, LIMITS));
    const checked = checkSchedulerOptions({ store: "memory", logger: false, ...options });
    const { keep } = checked;
    const registrations = new Registrations({
      registered: schedules,
      boundTaskIds: Object.keys(bind),
      emitter,
      settleDue: (scheduleId) => settleDue({ store: recorded.store, emitter, keep }, scheduleId),
    });
    const { now: openedAt } = await recorded.store.open();
    recorded.calls.length = 0;
    const { shards } = new Engine({
      store: recorded.store,
      clock,
      chance: { ...systemChance, random: () => 0.5 },
      emitter,
      logger: SILENT,
      options: checked,
      binds: bindsOf(bind),
      registrations,
      openedAt,
    });
    const engine = shards[0]!;
    const work = async (): Promise<void> => {
      engine.pump.offerAll();
      await engine.pump.step();
      await clock.settle();
    };
    return Object.assign(recorded, { engine, told, registrations, work });
  }

  return {
    clock,
    openStore,
    member,
    scheduler(options) {
      const recorded = openStore();
      const scheduler = createSchedulerWith({
        options: { store: "memory", logger: false, ...options },
        store: recorded.store,
        clock,
      });
      return Object.assign(recorded, { scheduler });
    },
    async push(taskId, options = {}) {
      const jobs = [checkPush(taskId, options, LIMITS)];
      const [answer] = await bystander.push({ jobs, timeoutMs: 5_000 });
      return answer?.id ?? "";
    },
    get: (taskId, id) => bystander.get({ taskId, id }),
    counts: (taskId) => bystander.counts({ taskId }),
  };
}

function bindsOf(bind: NonNullable<MemberArgs["bind"]>): Map<string, CheckedBind> {
  const binds = new Map<string, CheckedBind>();
  for (const [taskId, given] of Object.entries(bind)) {
    const [handler, options] = Array.isArray(given) ? given : [given, undefined];
    binds.set(taskId, checkBind(taskId, handler, options));
  }
  return binds;
}

export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export type { HandlerContext };
