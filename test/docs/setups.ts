/** What stands around the fragments of the documentation, by the name in their `setup`. */
export interface Setup {
  before: string;
  after: string;
}

const CREATE =
  'import { createScheduler, SchedulerError } from "schedule-mq";\nvoid SchedulerError;';

/** The work that a reader imagines. */
const HANDLERS = `${CREATE}
const makeReport = () => console.log("report");
const sendMail = async (to, { signal }) => signal.throwIfAborted(void to);
void [createScheduler, makeReport, sendMail];`;

const TYPED_HANDLERS = `${CREATE}
const makeReport = () => console.log("report");
async function sendMail(to: string, given: { signal: AbortSignal; attempt: number }) {
  given.signal.throwIfAborted();
  void [to, given.attempt];
}
void [createScheduler, makeReport, sendMail];`;

const SCHEDULER = `${CREATE}
const scheduler = createScheduler({ store: "memory", logger: false });
scheduler.bind("email", () => true);
await scheduler.start();`;

const DATABASE = `${CREATE}
const scheduler = createScheduler({ store: "memory", logger: false });
let last = 0;
const db = {
  run: async (sql, fence, id, guard) => {
    if (!sql.startsWith("UPDATE") || id !== 7 || guard <= last) return 0;
    last = fence;
    return 1;
  },
};`;

const SETUPS: Readonly<Record<string, { js?: Setup; ts?: Setup }>> = {
  create: {
    js: { before: CREATE, after: "" },
    ts: { before: CREATE, after: "" },
  },
  handlers: {
    js: { before: HANDLERS, after: "" },
    ts: { before: TYPED_HANDLERS, after: "" },
  },
  scheduler: {
    ts: { before: SCHEDULER, after: "" },
  },
  /** The same, for what ends by itself. */
  stopped: {
    ts: { before: SCHEDULER, after: "await scheduler.stop();" },
  },
  database: {
    js: {
      before: DATABASE,
      after: 'await scheduler.start();\nawait scheduler.push("bill", { data: { invoice: 7 } });',
    },
  },
};

export function setupOf(name: string, language: "js" | "ts"): Setup {
  const setup = SETUPS[name]?.[language];
  if (setup === undefined) throw new Error(`setups.ts has no "${name}" for ${language}`);
  return setup;
}
