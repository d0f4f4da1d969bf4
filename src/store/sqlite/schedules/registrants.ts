/**
 * Which sets of definitions are registered by somebody alive, and until when. After an outage or a
 * clock jump none counts as lapsed for one lease, since its schedulers could not look either.
 */
import type { Registration } from "../../contract.js";
import type { Scope } from "../scope.js";

/** A set is remembered this long after its end, so that it is known who was there last. */
const REMEMBERED_MS = 31 * 86_400_000;
const MOST_SETS = 200;

/** The sets as they are at this step; read when first asked for. */
export class Registrants {
  readonly #scope: Scope;
  #ends: Map<string, number> | null = null;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** When its registration ends or ended, epoch ms; null: it is not known. */
  endOf(set: string): number | null {
    return this.#known().get(set) ?? null;
  }

  isLive(set: string): boolean {
    const { tx, space, now } = this.#scope;
    const end = this.endOf(set);
    return end !== null && (end > now || now < tx.space(space).registrant_grace_until);
  }

  /** Until when nobody counts as gone, after an outage; may be over, epoch ms. */
  get graceUntil(): number {
    const { tx, space } = this.#scope;
    return tx.space(space).registrant_grace_until;
  }

  /** Makes the registration last; writes only when it is missing, over, or a third is gone. */
  renew({ set, leaseMs }: Registration): void {
    const { tx, space, now } = this.#scope;
    const end = this.endOf(set);
    const wasLive = this.isLive(set);
    if (end !== null && (end - now) * 3 >= leaseMs * 2) return;
    const endsAt = Math.max(end ?? 0, now + leaseMs);
    tx.run("REPLACE INTO registrant_set VALUES (?, ?, ?)", space, set, endsAt);
    if (end === null) this.#forgetOld();
    this.#known().set(set, endsAt);
    if (!wasLive) countRegistrations(this.#scope);
  }

  #known(): Map<string, number> {
    if (this.#ends === null) {
      const { tx, space } = this.#scope;
      const sql = "SELECT digest, ends_at FROM registrant_set WHERE space = ?";
      const rows = tx.all<{ digest: string; ends_at: number }>(sql, space);
      this.#ends = new Map(rows.map(({ digest, ends_at }) => [digest, ends_at]));
    }
    return this.#ends;
  }

  #forgetOld(): void {
    const { tx, space, now } = this.#scope;
    tx.run(
      "DELETE FROM registrant_set WHERE space = ? AND ends_at < ?",
      ...[space, now - REMEMBERED_MS],
    );
    tx.run(
      `DELETE FROM registrant_set WHERE space = ? AND digest IN (
         SELECT digest FROM registrant_set INDEXED BY registrant_set_end
         WHERE space = ? ORDER BY ends_at DESC LIMIT -1 OFFSET ?)`,
      ...[space, space, MOST_SETS],
    );
    this.#ends = null;
  }
}

/** A look by a scheduler that has registered schedules: it is alive; who else is, may show. */
export function noteRegistration(scope: Scope, registration: Registration): void {
  noteRegistrationTime(scope, registration.leaseMs);
  new Registrants(scope).renew(registration);
  judgeLapsed(scope);
}

/** Another definition may be in force now: everybody registers again. */
export function countRegistrations({ tx, space: id }: Scope): void {
  const space = tx.space(id);
  tx.needWrite();
  space.registrations += 1;
  tx.saveSpace(space);
}

/** Seldom written; a gap in which registrations may have run out, or a step back, is graced. */
export function noteRegistrationTime({ tx, space: id, now }: Scope, leaseMs: number): void {
  const space = tx.space(id);
  const gap = now - space.registrant_noted_at;
  const isFirst = space.registrant_noted_at === 0;
  if (!isFirst && gap >= 0 && gap * 6 < leaseMs) return;
  tx.needWrite();
  if (!isFirst && gap < 0) {
    space.registrant_grace_until = now + leaseMs;
    space.judged_at = Math.min(space.judged_at, now);
    tx.run(
      "UPDATE registrant_set SET ends_at = ? WHERE space = ? AND ends_at > ?",
      ...[now + leaseMs, id, now + leaseMs],
    );
  } else if (!isFirst && gap * 3 > leaseMs * 2) {
    space.registrant_grace_until = Math.max(space.registrant_grace_until, now + leaseMs);
  }
  space.registrant_noted_at = now;
  tx.saveSpace(space);
}

/** Tells, once for each time, that registrations have run out. */
function judgeLapsed(scope: Scope): void {
  const { tx, now } = scope;
  const space = tx.space(scope.space);
  if (now < space.registrant_grace_until) return;
  const lapsed = tx.get(
    `SELECT 1 FROM registrant_set INDEXED BY registrant_set_end
     WHERE space = ? AND ends_at > ? AND ends_at <= ? LIMIT 1`,
    ...[scope.space, space.judged_at, now],
  );
  if (lapsed === undefined) return;
  space.judged_at = now;
  countRegistrations(scope);
}
