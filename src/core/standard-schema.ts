/**
 * Validators by the Standard Schema convention (version 1): zod, valibot, arktype and others fit
 * as they are; none is imported here.
 */

/** A validator that turns an `Input` into an `Output`, or says what is wrong with it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** `issues`: one line for people, each issue with its path. */
export type Validation =
  | { value: unknown; issues?: undefined }
  | { issues: string; value?: undefined };

/** True for whatever follows the convention; objects and functions do. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = Reflect.get(value, "~standard");
  if (typeof standard !== "object" || standard === null) return false;
  return (
    Reflect.get(standard, "version") === 1 &&
    typeof Reflect.get(standard, "validate") === "function"
  );
}

/** The output for `value`, or what is wrong with it; a promise only if the validator makes one. */
export function validate(schema: StandardSchema, value: unknown): Validation | Promise<Validation> {
  const result = schema["~standard"].validate(value);
  // Not by instanceof: it may come from another realm, or from a library of promises.
  return "then" in result ? Promise.resolve(result).then(toValidation) : toValidation(result);
}

const MOST_ISSUES_SHOWN = 5;

function toValidation(result: SchemaResult<unknown>): Validation {
  if (result.issues === undefined) return { value: result.value };
  const lines = result.issues.slice(0, MOST_ISSUES_SHOWN).map(issueLine);
  const more = result.issues.length - lines.length;
  if (more > 0) lines.push(`${more} more`);
  return { issues: lines.join("; ") };
}

function issueLine(issue: SchemaIssue): string {
  let path = "data";
  for (const step of issue.path ?? []) {
    const key = typeof step === "object" ? step.key : step;
    path += typeof key === "number" ? `[${key}]` : `.${String(key)}`;
  }
  return `${path}: ${issue.message}`.slice(0, 300);
}
