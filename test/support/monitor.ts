/** Reads what a Redis server really does, by MONITOR: every command, and who sent it. */
import { connect } from "node:net";
import type { Redis } from "ioredis";
import { until } from "./until.js";

export interface SeenCommand {
  /** True: a script sent it. */
  byScript: boolean;
  /** The command's name, in capitals, and its arguments. */
  words: string[];
}

export interface Monitor {
  /** Everything that the server did until now. */
  stop(client: Redis): Promise<SeenCommand[]>;
}

export async function startMonitor(target: { host: string; port: number }): Promise<Monitor> {
  const socket = connect(target.port, target.host);
  let text = "";
  socket.setEncoding("latin1");
  socket.on("data", (piece: string) => {
    text += piece;
  });
  socket.write("MONITOR\r\n");
  await until("MONITOR to begin", () => text.startsWith("+OK\r\n"));
  return {
    async stop(client) {
      const last = `the last word ${Math.random()}`;
      await client.echo(last);
      await until("the last command", () => text.includes(last));
      socket.destroy();
      return text.split("\r\n").slice(1).flatMap(readLine);
    },
  };
}

/** `+1700000000.123456 [0 127.0.0.1:5000] "EVALSHA" "…"`; a script's own commands say `lua`. */
function readLine(line: string): SeenCommand[] {
  const match = /^\+[\d.]+ \[\d+ (\S+)\] (.*)$/.exec(line);
  if (match === null) return [];
  const [, source, rest = ""] = match;
  const words = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) => unescaped(word));
  return [
    { byScript: source === "lua", words: [words[0]?.toUpperCase() ?? "", ...words.slice(1)] },
  ];
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", a: "\u0007", b: "\b" };

function unescaped(word: string): string {
  return word.replace(/\\(?:x([0-9a-f]{2})|(.))/gi, (_all, code?: string, letter?: string) =>
    code === undefined
      ? (ESCAPES[letter ?? ""] ?? letter ?? "")
      : String.fromCharCode(parseInt(code, 16)),
  );
}
