/**
 * Loaded before anything else of a part whose clock is to be ahead (`--import`): its `Date` is, by `LOCAL_CLOCK_AHEAD_MS`. Timers
 * and clocks that only measure go on as they are, so that nothing is faster for it. For trying what a day does without waiting
 * for one; what runs with it does not know.
 */
const ahead = Number(process.env.LOCAL_CLOCK_AHEAD_MS ?? 0);
const RealDate = Date;
const realNow = RealDate.now;
RealDate.now = () => realNow() + ahead;
// One object for both, so that dates which Node makes itself are `instanceof Date` as well.
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, newTarget),
  apply: () => new RealDate(RealDate.now()).toString(),
});
RealDate.prototype.constructor = Date;
