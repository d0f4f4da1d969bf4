/** The leases that tests of the deputy and its board hold. */
export const LEASE_MS = 12_000;
export const LIMIT_MS = 300_000;
export const FENCE = "1767225600000001";

export const number = (k: number): string => String(1_767_225_600_000_100 + k);

export function jobs(count: number): { number: string }[] {
  return Array.from({ length: count }, (_, k) => ({ number: number(k) }));
}

interface More {
  fence?: string;
  shard?: number;
  jobs?: { number: string }[];
  limitMs?: number;
}

export function lease(more: More = {}) {
  return {
    fence: FENCE,
    task: 0,
    shard: 3,
    leaseMs: LEASE_MS,
    limitMs: LIMIT_MS,
    jobs: jobs(1),
    ...more,
  };
}
