/** Loaded before a program: the wall clock of its main thread is wrong by so much. */
const wrongByMs = Number(process.env.CHAOS_CLOCK_MS);
const trueNow = Date.now;

Date.now = () => trueNow() + wrongByMs;
globalThis.Date = new Proxy(Date, {
  construct(target, args, newTarget) {
    return Reflect.construct(target, args.length > 0 ? args : [Date.now()], newTarget);
  },
});
