import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const requestSize = defineFilter({
  schema: Type.Integer({ minimum: 0, maximum: 16 * 1024 ** 3 }),
  summary: 'refuses a larger body (bytes) with 413, announced or not; 1 MiB without this filter',
  example: 65_536,
  compile: (bodyLimitBytes) => ({ bodyLimitBytes }),
});
