/** What `examine` takes. */

export interface ExamineArgs {
  /** Tasks that the caller has bound and runs: somebody is there for them. */
  boundTaskIds: readonly string[];
}
