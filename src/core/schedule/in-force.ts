/**
 * Which of several definitions of one schedule is in force: the one of the highest generation that
 * a live scheduler has registered; without any, the last one stays. Pure; the Redis store says the
 * same in Lua.
 */

/** A definition that was registered once. */
export interface Offer {
  digest: string;
  generation: number;
  /** The sets of definitions that it was registered with. */
  sets: string[];
}

/** So many definitions of a schedule are remembered: an old one is known when it is back. */
export const MOST_OFFERS = 10;
/** So many sets are remembered of each. */
export const MOST_SETS_PER_OFFER = 30;

/** Notes that `digest` is registered in `set`; a new one is a generation of its own. */
export function noteOffer(
  offers: readonly Offer[],
  given: { digest: string; set: string; generation: number | null },
  isLive: (set: string) => boolean,
): { offers: Offer[]; generation: number } {
  const { digest, set } = given;
  const highest = Math.max(0, ...offers.map((offer) => offer.generation));
  const known = offers.find((offer) => offer.digest === digest);
  const generation = known?.generation ?? given.generation ?? highest + 1;
  const sets = (known?.sets ?? []).filter((each) => each !== set);
  // the dead leave first, then those that came first
  const kept = [...sets.filter((each) => !isLive(each)), ...sets.filter(isLive), set];
  const noted: Offer = { digest, generation, sets: kept.slice(-MOST_SETS_PER_OFFER) };
  const others = offers.filter((offer) => offer.digest !== digest);
  const all = [...others, noted].sort((a, b) => a.generation - b.generation);
  return { offers: all.slice(-MOST_OFFERS), generation };
}

/** The digest in force, the one of `current` being so until now. */
export function inForce(
  offers: readonly Offer[],
  current: string | null,
  isLive: (set: string) => boolean,
): string | null {
  let best: Offer | null = null;
  for (const offer of offers) {
    if (!offer.sets.some(isLive)) continue;
    const isHigher = best === null || offer.generation > best.generation;
    const isIncumbent = offer.generation === best?.generation && offer.digest === current;
    if (isHigher || isIncumbent) best = offer;
  }
  return best?.digest ?? current;
}
