/** One job from a push to its end, with a scheduler that sleeps meanwhile, and without. */
import { OwnVerbs, settlesOf } from "./own-verbs.mjs";

const TASK = "woken";
const LEASE_MS = 3_600_000;

/** A hint that has not come by then is lost. */
const LOST_MS = 2_000;

/**
 * @param {import("./own-counts.mjs").Own} own
 * @param {number} port
 */
export function wakes({ storeAt, keep }, port) {
  const pusher = storeAt(port, "bench-pusher");
  const sleeper = storeAt(port, "bench-sleeper");
  let woken = () => {};
  const forget = sleeper.onWake(() => woken());
  const look = () =>
    sleeper.look({
      taskIds: [TASK],
      fireable: { taskIds: [TASK], scheduleIds: [] },
      registration: null,
      sleepMs: 1_000,
    });
  // With retry off it is offered, not handed over: this is about the hint.
  const job = OwnVerbs.job(TASK, '"x"', 0);
  const jobs = [{ ...job, rules: { ...job.rules, retry: null } }];
  const push = () => pusher.push({ jobs, timeoutMs: LOST_MS });
  const args = { idle: false, leaseMs: LEASE_MS, keep };
  return {
    async open() {
      await pusher.open();
      await sleeper.open();
    },
    /** @param {boolean} asleep */
    async cycle(asleep) {
      if (asleep) {
        const hint = new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error("a hint was lost")), LOST_MS);
          woken = () => {
            clearTimeout(timer);
            resolve(undefined);
          };
        });
        await look();
        await push();
        await hint;
        await look();
      } else await push();
      const claims = [{ taskId: TASK, limit: 1 }];
      const { batches } = await sleeper.work({ ...args, settles: [], claims });
      await sleeper.work({ ...args, settles: batches.flatMap(settlesOf), claims: [] });
    },
    async close() {
      forget();
      await pusher.close();
      await sleeper.close();
    },
  };
}
