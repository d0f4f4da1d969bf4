/** Faults strike: what each does to the world, and what it met there. */
import type { Fault } from "./faults.js";
import type { Member } from "./member.js";
import type { World } from "./world.js";

export function planFaults(world: World, faults: readonly Fault[]): void {
  for (const fault of faults) {
    world.timeline.at(fault.at, () => {
      if (!world.isHealed) strike(world, fault);
    });
  }
}

/** Ends all faults; what is gone comes back. */
export function heal(world: World): void {
  const { network, server, workers, members } = world;
  network.clear();
  network.lostWakes = 0;
  server.up();
  server.setRight();
  for (const member of members) {
    network.mend(member.machine);
    member.machine.thaw();
    member.disturbed();
  }
  world.isHealed = true;
  world.punctual.stirred(world.timeline.now);
  for (const member of members) member.release();
  workers.forEach((member, worker) => {
    if (member === null) world.spawn(worker);
  });
}

function strike(world: World, fault: Fault): void {
  world.tell(`fault ${fault.kind}`);
  world.punctual.stirred(world.timeline.now + ("ms" in fault ? Math.max(0, fault.ms) : 0));
  switch (fault.kind) {
    case "trap":
      world.network.set(fault.trap);
      break;
    case "outage":
    case "wipe":
    case "jump":
    case "deaf":
      strikeServer(world, fault);
      break;
    default:
      strikeWorker(world, fault, world.workers[fault.worker] ?? null);
  }
}

type OfServer = Extract<Fault, { kind: "outage" | "wipe" | "jump" | "deaf" }>;
type OfWorker = Extract<Fault, { worker: number }>;

function strikeServer(world: World, fault: OfServer): void {
  const { server, network, timeline, members } = world;
  const alive = members.filter(({ machine }) => !machine.isDead);
  const hitAll = (name: string): void => {
    for (const member of alive) world.noteHit(name, member);
  };
  switch (fault.kind) {
    case "outage":
      if (server.isDown) return;
      hitAll(fault.forgets ? "powerCut" : "restart");
      server.down(fault.forgets);
      resetAll(world, "the server is gone");
      if (fault.ms === 0) server.up();
      else timeline.in(fault.ms, () => server.up());
      break;
    case "wipe":
      hitAll("wipe");
      server.wipe();
      resetAll(world, "the server is another one");
      break;
    case "jump":
      hitAll(fault.ms < 0 ? "jump back" : "jump ahead");
      server.jump(fault.ms);
      if (fault.ms < 0) world.history.setBack.push(timeline.now);
      break;
    default:
      network.lostWakes = fault.part;
      network.onLostWake = () => world.coverage.note("deaf", "wake");
      timeline.in(fault.ms, () => {
        network.lostWakes = 0;
      });
  }
}

function resetAll({ members, timeline, network }: World, reason: string): void {
  for (const { machine, link } of members) {
    machine.arrives(timeline.now + network.delay(machine), () => link.reset(reason));
  }
}

function strikeWorker(world: World, fault: OfWorker, member: Member | null): void {
  world.noteHit(fault.kind, member);
  if (member === null) return;
  const { timeline, network } = world;
  const { machine } = member;
  member.disturbed();
  switch (fault.kind) {
    case "crash":
      world.crash(member, fault.noticedMs);
      comeBack(world, fault.worker, fault.awayMs);
      break;
    case "freeze":
      machine.freeze(fault.ms);
      timeline.in(fault.ms, () => member.disturbed());
      break;
    case "cut":
      network.cut(machine);
      timeline.in(fault.ms, () => {
        network.mend(machine);
        member.disturbed();
      });
      break;
    case "reset":
      member.link.reset("the connection broke");
      break;
    default:
      void redeploy(world, fault, member);
  }
}

function comeBack(world: World, worker: number, awayMs: number): void {
  world.timeline.in(awayMs, () => {
    if (world.workers[worker] === null) world.spawn(worker);
  });
}

/** The old one stops while it can; then the next version takes its place. */
async function redeploy(
  world: World,
  { worker, awayMs }: { worker: number; awayMs: number },
  member: Member,
): Promise<void> {
  if (member.isStopping) return;
  world.version += 1;
  world.tell(`${member.machine.name} stops`);
  await member.stop();
  if (member.machine.isDead || world.workers[worker] !== member) return;
  world.workers[worker] = null;
  comeBack(world, worker, world.isHealed ? 0 : awayMs);
}
