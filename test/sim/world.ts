/**
 * The world of a plan: a server, a network, workers that come and go, somebody who pushes, and
 * those who write down what happens. Makes no decisions: those are in the plan.
 */
import type {
  FireAnswer,
  FireArgs,
  Store,
  TriggerAnswer,
  TriggerArgs,
} from "../../src/store/contract.js";
import type { BackendMaker } from "./backend.js";
import { Coverage } from "./coverage.js";
import { Dice, hashOf } from "./dice.js";
import { actsOf, codeOf, jittersOf, witnessPartsOf } from "./facts.js";
import { emptyHistory, type History } from "./history.js";
import { PATIENCE_MS } from "./link.js";
import { Machine } from "./machine.js";
import { Member } from "./member.js";
import { Network, type Trap } from "./network.js";
import type { Act, Plan } from "./plan.js";
import { Punctual } from "./punctual.js";
import { Pushers } from "./pushers.js";
import { EPOCH } from "./rules.js";
import { Server } from "./server.js";
import { Timeline } from "./timeline.js";
import type { Verb } from "./verbs.js";
import { Wishes } from "./wishes.js";
import { type Seen, type Taken, Witness } from "./witness.js";

/** So long after it is back a scheduler has told the store what is decided. */
const TOLD_MS = 4_000;

export class World {
  readonly plan: Plan;
  readonly timeline: Timeline;
  readonly server: Server;
  readonly network: Network;
  readonly witness: Witness;
  readonly history: History = emptyHistory();
  readonly coverage: Coverage = new Coverage();
  readonly pushers: Pushers;
  readonly wishes: Wishes;
  readonly punctual: Punctual;
  /** The store as it is, without a network before it. */
  readonly observer: Store;
  /** Those of code, then those that are made meanwhile. */
  readonly scheduleIds: readonly string[];
  /** Who runs as which worker now; null: nobody. */
  readonly workers: (Member | null)[];
  /** All that ever were. */
  readonly members: Member[] = [];
  /** Faults are over. */
  isHealed = false;
  /** Nobody starts any more. */
  isEnding = false;
  /** Which version of the program new workers run. */
  version = 0;
  /** What happened, line by line, as numbers that stand for it. */
  trace = 0;
  /** The same in words, if it is wanted. */
  readonly lines: string[] | null;
  readonly #claims = new Map<number, number>();
  readonly #acts: Map<string, Act[]>;
  readonly #identities = new Map<string, Member>();

  constructor(plan: Plan, { backend, isTold }: { backend: BackendMaker; isTold: boolean }) {
    this.plan = plan;
    this.lines = isTold ? [] : null;
    const { seed } = plan;
    const timeline = new Timeline(new Dice(seed, "order"));
    this.timeline = timeline;
    this.witness = this.#makeWitness();
    this.server = new Server({
      ...{ timeline, backend, epoch: EPOCH, witness: this.witness, dice: new Dice(seed, "server") },
      syncEveryMs: plan.syncEveryMs,
    });
    this.network = new Network({
      ...{ timeline, dice: new Dice(seed, "network"), usualMs: plan.delayMs },
      caught: (trap, machine, verb) => this.#caught(trap, machine, verb),
      carriedOut: (machine, verb) => this.#carriedOut(machine, verb),
    });
    this.scheduleIds = [...codeOf(plan).keys(), ...plan.runtime.map((it) => it.scheduleId)];
    this.#acts = actsOf(plan);
    this.observer = this.server.seat("observer").store;
    this.workers = Array.from({ length: plan.workers }, () => null);
    this.pushers = new Pushers(this, this.#member({ name: "pusher", worker: null, version: null }));
    this.wishes = new Wishes(this);
    this.punctual = new Punctual({
      ...{ pollMs: plan.pollMs, jitters: jittersOf(plan) },
      broken: (what, at) => void this.witness.broken.push({ invariant: "I7", what, at }),
      seen: () => this.coverage.note("on time", "fire"),
    });
  }

  /** Notes what happens, for comparison with another run of the same seed. */
  tell(what: string): void {
    const line = `${this.timeline.now.toFixed(3)} ${what}`;
    this.trace = hashOf(line, this.trace);
    this.lines?.push(line);
  }

  /** A new process of this worker, with the version of now. */
  spawn(worker: number): void {
    if (this.isEnding) return;
    const count = this.members.filter(({ machine }) => machine.worker === worker).length;
    const name = `w${worker}.${count}`;
    const member = this.#member({ name, worker, version: this.version });
    this.workers[worker] = member;
    this.tell(`${name} starts version ${this.version}`);
    this.punctual.stirred(this.timeline.now);
    member.start();
  }

  /** Its process is gone, from one moment to the next. */
  crash(member: Member, noticedMs: number | null): void {
    if (member.machine.isDead) return;
    this.tell(`${member.machine.name} dies`);
    this.punctual.stirred(this.timeline.now);
    this.history.deaths.set(member.machine.name, this.timeline.now);
    member.machine.crash();
    member.link.abandoned(noticedMs);
    const { worker } = member.machine;
    if (worker !== null && this.workers[worker] === member) this.workers[worker] = null;
  }

  /** What a fault meets in a process. */
  noteHit(fault: string, member: Member | null): void {
    const note = (state: string): void => this.coverage.note(fault, state);
    if (member === null) note("nobody");
    else {
      const verbs = new Set<string>(member.link.inFlight());
      for (const verb of verbs) note(verb);
      if (member.running.size > 0) note("handler");
      if (member.isStopping) note("stopping");
      if (verbs.size === 0 && member.running.size === 0) note("idle");
    }
  }

  async close(): Promise<void> {
    this.server.backend.close();
  }

  #member(given: { name: string; worker: number | null; version: number | null }): Member {
    const { plan, timeline, server, network, history } = this;
    const { name, worker, version } = given;
    const dice = new Dice(plan.seed, name);
    const skewMs = plan.skewMs[this.members.length % plan.skewMs.length] ?? 0;
    const machine = new Machine({ timeline, name, worker, epoch: EPOCH, skewMs });
    const member = new Member({
      ...{ plan, timeline, server, network, history, machine, dice, version },
      actOf: (key, attempt) => this.#actOf(key, attempt),
      claimedAt: (fence) => this.#claims.get(fence) ?? null,
      kills: (killed) => this.#killed(killed),
      gaveUp: (gone) => this.#gaveUp(gone),
    });
    this.members.push(member);
    this.#identities.set(member.scheduler.instanceId, member);
    return member;
  }

  #makeWitness(): Witness {
    const witness = new Witness(witnessPartsOf(this.plan));
    witness.onTaken = (taken) => this.#taken(taken);
    witness.onSeen = (seen) => this.#seen(seen);
    return witness;
  }

  #actOf(key: string, attempt: number): Act | null {
    if (this.isHealed) return null;
    const acts = this.#acts.get(key) ?? this.#acts.get(key.split("@")[0] ?? "");
    return acts?.[Math.min(attempt, acts.length) - 1] ?? null;
  }

  /** A handler did it: a new process takes the place of the one that is gone. */
  #killed(member: Member): void {
    this.noteHit("killer", member);
    this.crash(member, 0);
    const { worker } = member.machine;
    if (worker === null) return;
    this.timeline.in(500, () => {
      if (this.workers[worker] === null) this.spawn(worker);
    });
  }

  #carriedOut(machine: Machine, verb: Verb): void {
    this.tell(`${machine.name} ${verb}`);
    if (verb !== "look") return;
    const member = this.members.find((each) => each.machine === machine);
    if (member !== undefined) member.lookedAt = this.timeline.now;
  }

  /** Its start was refused for good: it ends, and is started again as by a supervisor. */
  #gaveUp(member: Member): void {
    const { worker } = member.machine;
    if (member.isStopping || worker === null || this.workers[worker] !== member) return;
    this.crash(member, 0);
    this.timeline.in(500, () => {
      if (this.workers[worker] === null) this.spawn(worker);
    });
  }

  #caught(trap: Trap, machine: Machine, verb: Verb): void {
    const fault = trap.kind === "error" ? `error ${trap.code}` : trap.kind;
    this.tell(`${machine.name} ${verb} meets ${fault}`);
    this.coverage.note(fault, verb);
    // Answers come in order: all others wait for a late one, until the connection is given up.
    const lateMs = "ms" in trap ? Math.min(trap.ms, 2 * PATIENCE_MS) : 0;
    for (const member of this.members) if (member.machine === machine) member.disturbed(lateMs);
    this.punctual.stirred(this.timeline.now + lateMs);
  }

  #seen({ verb, answer, at, storeNow, args }: Seen): void {
    this.lines?.push(`   ${verb} ${JSON.stringify(args)} -> ${JSON.stringify(answer)}`);
    if (verb === "trigger")
      this.#triggered(args as TriggerArgs, answer as TriggerAnswer | null, at);
    if (verb === "remove" && answer === "removed")
      this.history.removed.add((args as { scheduleId: string }).scheduleId);
    if (verb === "fire") {
      this.#fired(args as FireArgs, answer as FireAnswer[], at);
      this.punctual.fired(args as FireArgs, answer as FireAnswer[], { at, storeNow });
    }
    if (verb !== "work" && verb !== "handed") return;
    const { batches } = (verb === "work" ? answer : { batches: [answer] }) as {
      batches: { fence: string }[];
    };
    for (const { fence } of batches) this.#claims.set(Number(fence), at);
  }

  #triggered(args: TriggerArgs, answer: TriggerAnswer | null, at: number): void {
    const { scheduleId, instants } = args;
    if (answer === null || instants !== null) return;
    for (const { scheduledFor } of answer.outcomes) {
      this.history.triggered.add(`${scheduleId}@${scheduledFor}`);
    }
    this.wishes.triggered(scheduleId, at);
  }

  /** I7, over losses too: what somebody knows to have fired, who could tell it, fires no more. */
  #fired({ fires }: FireArgs, answers: readonly FireAnswer[], at: number): void {
    fires.forEach(({ scheduleId, decisions }, n) => {
      // One that is made again knows nothing of the one before.
      if (this.history.removed.has(scheduleId)) return;
      decisions.forEach((decision, k) => {
        if (decision.kind !== "fire" || answers[n]?.outcomes[k]?.kind !== "fired") return;
        const name = `${scheduleId}@${decision.scheduledFor}`;
        const knows = this.members.find(
          (each) => each.knows.has(name) && this.#couldTell(each, at),
        );
        if (knows === undefined) return;
        const what = `${name} fired again, and ${knows.machine.name} knew`;
        this.witness.broken.push({ invariant: "I7", what, at });
      });
    });
  }

  /** It has been connected for so long that the store must have heard all it knows. */
  #couldTell(member: Member, at: number): boolean {
    const { machine, link, disturbedAt, isStopping } = member;
    const isAway = machine.isDead || machine.isFrozen || isStopping || this.network.isCut(machine);
    return !isAway && link.isOpen && at - disturbedAt > TOLD_MS;
  }

  /** I5: nobody loses a lease who could have renewed it. */
  #taken({ fence, holder, leaseMs, at }: Taken): void {
    this.history.taken.add(Number(fence));
    const member = this.#identities.get(holder);
    if (member === undefined || member.machine.isDead || member.machine.isFrozen) return;
    // One whose signal has aborted has ended, for the scheduler; and so has one of which the server
    // has forgotten the end.
    const runs = [...member.running].some(
      (run) => run.fence === Number(fence) && run.abortedAt === null,
    );
    if (this.witness.forgotten.some(({ to }) => to > (this.#claims.get(Number(fence)) ?? 0)))
      return;
    const isCut = this.network.isCut(member.machine) || !member.link.isOpen;
    const quietMs = at - member.disturbedAt;
    if (!runs || isCut || this.server.isDown || quietMs < leaseMs / 3 + 2_500) return;
    const { name } = member.machine;
    const what = `lease ${fence} of ${name} was taken, undisturbed for ${quietMs} ms`;
    this.witness.broken.push({ invariant: "I5", what, at });
  }
}
