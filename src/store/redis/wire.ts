/**
 * Calls of scripts as they go over the wire. The client library copies and measures each argument
 * by itself, which costs a push more than all the rest of its way; and the keys are the same from
 * call to call.
 */

/** Lists of keys. Those that stay the same objects, such as a task's own, are encoded once. */
export type KeyGroups = readonly (readonly string[])[];

interface Coded {
  text: string;
  /** Bytes of UTF-8 beyond its length. */
  extra: number;
}

const codedGroups = new WeakMap<readonly string[], Coded>();

/** One EVALSHA. */
export function encodeEvalsha(sha1: string, keys: KeyGroups, args: readonly string[]): string {
  let keyCount = 0;
  let keyText = "";
  let extra = 0;
  for (const group of keys) {
    const coded = codedGroup(group);
    keyCount += group.length;
    keyText += coded.text;
    extra += coded.extra;
  }
  const count = 3 + keyCount + args.length;
  const head = `*${count}\r\n$7\r\nEVALSHA\r\n${bulk(sha1)}${bulk(String(keyCount))}${keyText}`;
  const ascii = head + asIfAscii(args);
  // Mostly the arguments are ASCII, where a length is a size; the sum shows whether that is true.
  if (Buffer.byteLength(ascii) === ascii.length + extra) return ascii;
  return head + args.map(bulk).join("");
}

function codedGroup(group: readonly string[]): Coded {
  let coded = codedGroups.get(group);
  if (coded === undefined) {
    const text = group.map(bulk).join("");
    coded = { text, extra: Buffer.byteLength(text) - text.length };
    codedGroups.set(group, coded);
  }
  return coded;
}

function bulk(arg: string): string {
  return `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
}

function asIfAscii(args: readonly string[]): string {
  let text = "";
  for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`;
  return text;
}
