/** What a predicate or a filter is, to the file of routes: a name, a schema, words for the documents, a way to compile it. */
import type { Fault } from '@daybook/contracts';
import { createValidator } from '@daybook/service/validation';
import type { Static, TSchema } from 'typebox';

interface PluginDefinition<Schema extends TSchema, Context, Compiled> {
  readonly schema: Schema;
  /** One line for docs/gateway.md. */
  readonly summary: string;
  /** As it stands in the file; a test holds it against the schema. */
  readonly example: Static<Schema>;
  /** Whether its values may be secrets: `/admin/routes` shows the names only. */
  readonly hasSecrets?: boolean;
  /** What the schema cannot say. Pointers begin at the setting. */
  readonly faultsOf?: (setting: Static<Schema>) => Fault[];
  /** Called when routes are loaded: whatever does not depend on the request is computed here. */
  readonly compile: (setting: Static<Schema>, context: Context) => Compiled;
}

/** The schema has been forgotten by the types, so that kinds of all settings stand in one catalogue. */
export interface Plugin<Context, Compiled> {
  readonly schema: TSchema;
  readonly summary: string;
  readonly example: unknown;
  readonly hasSecrets: boolean;
  faultsOf(setting: unknown): Fault[];
  /** @throws Error for a setting that has faults */
  compile(setting: unknown, context: Context): Compiled;
}

export function definePlugin<Schema extends TSchema, Context, Compiled>(
  definition: PluginDefinition<Schema, Context, Compiled>,
): Plugin<Context, Compiled> {
  const { schema, summary, example, hasSecrets = false, faultsOf = () => [], compile } = definition;
  // Made for the kinds that a file uses; all of them would cost the start some milliseconds.
  let check: ReturnType<typeof createValidator<Schema>> | undefined;
  const checked = (setting: unknown) => {
    check ??= createValidator(schema);
    return check(setting);
  };
  return {
    schema,
    summary,
    example,
    hasSecrets,
    faultsOf(setting) {
      const result = checked(setting);
      return 'faults' in result ? result.faults : faultsOf(result.value);
    },
    compile(setting, context) {
      const result = checked(setting);
      if ('faults' in result) throw new Error('a setting was not checked before it was compiled');
      return compile(result.value, context);
    },
  };
}
