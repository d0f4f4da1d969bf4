/** Task maps: which tasks there are, and what data they take and hand on. */
import type { StandardSchema } from "../core/standard-schema.js";

/** The task map of a scheduler made without one: any task id, any data. */
export interface Untyped {
  [taskId: string]: unknown;
}

/** Validators by task id: zod, valibot, arktype and whatever else follows Standard Schema. */
export type Validators = Readonly<Record<string, StandardSchema<unknown, unknown>>>;

export type TaskId<Tasks> = keyof Tasks & string;

/** What `push` takes for a task whose map entry is `Entry`: the data, or a validator's input. */
export type InputOf<Entry> = Entry extends SchemaTypes<infer Input, unknown> ? Input : Entry;

/** What the handler is given: the data, or a validator's output. */
export type OutputOf<Entry> = Entry extends SchemaTypes<unknown, infer Output> ? Output : Entry;

/** The part of a validator that carries its types. */
interface SchemaTypes<Input, Output> {
  readonly "~standard": {
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** In the untyped form a handler may name the type of its data itself. */
export type HandlerData<Tasks, Id extends keyof Tasks, Named> = string extends keyof Tasks
  ? unknown extends Tasks[Id]
    ? Named
    : OutputOf<Tasks[Id]>
  : OutputOf<Tasks[Id]>;
