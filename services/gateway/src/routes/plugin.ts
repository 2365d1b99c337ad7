/** Defines a predicate or filter: its name, its schema, its documentation and its compiler. */
import type { Fault } from '@daybook/contracts';
import { createValidator } from '@daybook/service/validation';
import type { Static, TSchema } from 'typebox';
import type { ClientRequest } from '../http/client-exchange.ts';
import type { RouteContext } from './context.ts';
import type { Filter } from './filter.ts';

interface PluginDefinition<Schema extends TSchema, Context, Compiled> {
  readonly schema: Schema;
  /** One line for docs/gateway.md. */
  readonly summary: string;
  /** In the format of the file. A test checks it against the schema. */
  readonly example: Static<Schema>;
  /** Whether its values may be secrets. If so, `/admin/routes` shows only the names. */
  readonly hasSecrets?: boolean;
  /** Returns faults that the schema cannot express. Pointers are relative to the setting. */
  readonly faultsOf?: (setting: Static<Schema>) => Fault[];
  /** Compiles a setting when routes are loaded. Computes all that does not depend on the request. */
  readonly compile: (setting: Static<Schema>, context: Context) => Compiled;
}

/** A plugin without the type of its setting, so that one catalogue can hold all plugins. */
export interface Plugin<Context, Compiled> {
  readonly schema: TSchema;
  readonly summary: string;
  readonly example: unknown;
  readonly hasSecrets: boolean;
  faultsOf(setting: unknown): Fault[];
  /** Compiles a setting. @throws Error for a setting that has faults */
  compile(setting: unknown, context: Context): Compiled;
}

/** Returns whether a request meets a condition. */
export type Predicate = (request: ClientRequest) => boolean;
export type PredicatePlugin = Plugin<RouteContext, Predicate>;
export type FilterPlugin = Plugin<RouteContext, Filter>;

/** The predicates and filters that routes may use, by their names in the file. */
export interface PluginCatalogue {
  readonly predicates: Readonly<Record<string, PredicatePlugin>>;
  readonly filters: Readonly<Record<string, FilterPlugin>>;
}

export function definePlugin<Schema extends TSchema, Context, Compiled>(
  definition: PluginDefinition<Schema, Context, Compiled>,
): Plugin<Context, Compiled> {
  const { schema, summary, example, hasSecrets = false, faultsOf = () => [], compile } = definition;
  // Created at the first use, because creating all checkers would delay the start by some milliseconds.
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
