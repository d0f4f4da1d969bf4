/** What clients ask of a Redis server, by its own MONITOR; not what scripts call inside it. */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { until } from "../../support/until.js";

export interface Seen {
  at: number;
  command: string;
  /** The whole line, for messages. */
  text: string;
}

export interface Monitor {
  /** Grows while one looks. */
  seen: readonly Seen[];
  close(): void;
}

/** +1795459378.853119 [0 127.0.0.1:40112] "EVALSHA" … ; [0 lua] is a call of a script. */
const LINE = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]*)"/;

export async function monitor(server: { host: string; port: number }): Promise<Monitor> {
  const socket = connect(server);
  await once(socket, "connect");
  const seen: Seen[] = [];
  let isOn = false;
  createInterface({ input: socket }).on("line", (text) => {
    isOn ||= text === "+OK";
    const [, source, command = ""] = LINE.exec(text) ?? [];
    if (source === undefined || source === "lua") return;
    seen.push({ at: Date.now(), command: command.toUpperCase(), text });
  });
  socket.write("MONITOR\r\n");
  await until("the monitor is on", () => isOn);
  return { seen, close: () => socket.destroy() };
}

/** A scheduler proves to itself now and then that wake-ups arrive. */
export function isProbe({ command, text }: Seen): boolean {
  return command === "PUBLISH" && /"p\d+"$/.test(text);
}
