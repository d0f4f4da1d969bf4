/** The name under which a job that is due later is kept: its number in six bytes. */

const PACKED_FROM = 1_750_000_000_000_000n;

export function packedName(number: string): Buffer {
  const offset = BigInt(number) - PACKED_FROM + (1n << 40n);
  return Buffer.from(offset.toString(16).padStart(12, "0"), "hex");
}
