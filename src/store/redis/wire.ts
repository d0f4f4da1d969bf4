/**
 * Calls of scripts as they go over the wire. The client library copies and measures each argument
 * by itself, which costs a push more than all the rest of its way; and the keys are the same from
 * call to call.
 */

/** Lists of keys. Those that stay the same objects, such as a task's own, are encoded once. */
export type KeyGroups = readonly (readonly string[])[];

/**
 * Longer calls, in characters, become bytes here, piece by piece: V8 keeps texts of more than
 * 128 KB apart, where to join and to measure one costs 20 times as much as to write it.
 */
const LONG = 64 * 1024;
const PIECE = 32 * 1024;

interface Coded {
  text: string;
  /** Bytes of UTF-8 beyond its length. */
  extra: number;
}

const codedGroups = new WeakMap<readonly string[], Coded>();

/** One EVALSHA. */
export function encodeEvalsha(
  sha1: string,
  keys: KeyGroups,
  args: readonly string[],
): string | Buffer {
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
  if (ascii.length > LONG) return encodeInPieces(head, args, ascii.length);
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

/** `length`: of the whole call, in characters. */
function encodeInPieces(head: string, args: readonly string[], length: number): Buffer {
  // Room for the longest piece as if it took three bytes a character: mostly nothing has to grow.
  const longest = args.reduce((most, arg) => Math.max(most, arg.length), head.length);
  const bytes = new Bytes(length + 2 * (longest + 2 * PIECE));
  bytes.write(head);
  for (let from = 0, to = 0; from < args.length; from = to) {
    let size = 0;
    do {
      size += args[to]!.length;
      to += 1;
    } while (to < args.length && size + args[to]!.length <= PIECE);
    const piece = args.slice(from, to);
    const ascii = asIfAscii(piece);
    const written = bytes.write(ascii);
    if (written === ascii.length) continue;
    bytes.takeBack(written);
    for (const arg of piece) bytes.write(bulk(arg));
  }
  return bytes.written();
}

/** UTF-8, in a buffer that grows where its text is not ASCII. */
class Bytes {
  #buffer: Buffer;
  #size = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Gives how many bytes it took. */
  write(text: string): number {
    // A character takes three at most.
    const needed = this.#size + 3 * text.length;
    if (needed > this.#buffer.length) this.#grow(needed);
    const written = this.#buffer.write(text, this.#size);
    this.#size += written;
    return written;
  }

  takeBack(written: number): void {
    this.#size -= written;
  }

  written(): Buffer {
    return this.#buffer.subarray(0, this.#size);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * needed);
    this.#buffer.copy(larger, 0, 0, this.#size);
    this.#buffer = larger;
  }
}
