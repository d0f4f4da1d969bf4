/**
 * Two islands of the network, each a network namespace of its own, on a bridge to which this
 * process is connected, too: for partitions in which nothing is refused, and packets only vanish.
 * Cut from each other, both can still be reached from here. Needs root and Debian's iproute2.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

/** Where a process lives. */
export interface Host {
  /** At which its servers can be reached, from here and from the other island. */
  address: string;
  /** Put before a command, so that it runs there. */
  within: readonly string[];
}

export interface Islands {
  minority: Host;
  majority: Host;
  /** From now on no packet goes from one to the other; nobody is told. */
  cut(): void;
  heal(): void;
  /** Ends what still runs there. Harmless twice. */
  close(): Promise<void>;
}

/**
 * Waits for the end of its standard input: that pipe closes when this process ends in whatever way,
 * so that no namespace, interface or process in one is ever left behind.
 */
const KEEPER = `
bridge=$1
shift
read -r word
for name in "$@"; do
  for pid in $(ip netns pids "$name" 2>/dev/null); do kill -9 "$pid"; done
  ip link del "$name"
  ip netns del "$name"
done
ip link del "$bridge"
exit 0
`;

function run(program: "ip" | "bridge", words: string): string {
  return execFileSync(program, words.split(" "), { encoding: "utf8", stdio: "pipe" });
}

/** Why there can be none here; null: there can. */
export async function whyNoIslands(): Promise<string | null> {
  if (process.platform !== "linux") return "there are network namespaces on Linux only";
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  try {
    await (await makeIslands()).close();
    return null;
  } catch (error) {
    const { message } = error as Error;
    return `no network namespaces here (apt-get install iproute2?): ${message.slice(0, 300)}`;
  }
}

export async function makeIslands(): Promise<Islands> {
  const net = freeNet();
  // An interface has at most 15 characters, and whoever sees one can tell whose it is.
  const bridge = `smq${process.pid}`;
  const names = [`${bridge}a`, `${bridge}b`];
  const keeper = spawn("/bin/sh", ["-c", KEEPER, "keeper", bridge, ...names], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  try {
    run("ip", `link add ${bridge} type bridge`);
    run("ip", `addr add ${net}.254/24 dev ${bridge}`);
    run("ip", `link set ${bridge} up`);
    const hosts = names.map((name, k) => makeIsland({ name, bridge, address: `${net}.${k + 1}` }));
    const [minority, majority] = hosts as [Host, Host];
    // Ports that are isolated reach the bridge itself, which is us, but not each other.
    const isolate = (how: "on" | "off"): void => {
      for (const name of names) run("bridge", `link set dev ${name} isolated ${how}`);
    };
    isolate("off");
    return {
      ...{ minority, majority },
      cut: () => isolate("on"),
      heal: () => isolate("off"),
      close: () => ended(keeper),
    };
  } catch (error) {
    await ended(keeper);
    throw error;
  }
}

function makeIsland(parts: { name: string; bridge: string; address: string }): Host {
  const { name, bridge, address } = parts;
  run("ip", `netns add ${name}`);
  run("ip", `link add ${name} type veth peer name eth0 netns ${name}`);
  run("ip", `link set ${name} master ${bridge} up`);
  run("ip", `-n ${name} link set lo up`);
  run("ip", `-n ${name} addr add ${address}/24 dev eth0`);
  run("ip", `-n ${name} link set eth0 up`);
  return { address, within: ["ip", "netns", "exec", name] };
}

/** The first three numbers of addresses that nobody on this machine has. */
function freeNet(): string {
  const used = run("ip", "-4 -o addr");
  for (let n = 0; n < 256; n += 1) {
    const net = `10.211.${(process.pid + n) % 256}`;
    if (!used.includes(` ${net}.`)) return net;
  }
  throw new Error("all nets of 10.211 are in use");
}

async function ended(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null || keeper.signalCode !== null) return;
  keeper.stdin?.end("\n");
  await once(keeper, "exit");
}
