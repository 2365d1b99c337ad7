import { Type } from 'typebox';
import { defineFilter } from './filter.ts';

export const redirect = defineFilter({
  schema: Type.Object(
    {
      status: Type.Enum([301, 302, 303, 307, 308]),
      location: Type.String({
        pattern: '^(?:https?://[A-Za-z0-9.:[\\]-]+)?(?:/(?!/)[\\x21-\\x7e]*)?$',
        minLength: 1,
        maxLength: 1_000,
      }),
    },
    { additionalProperties: false },
  ),
  summary: 'responds with this status and `Location`; no request is sent to a service',
  example: { status: 308, location: 'https://daybook.example.org/docs' },
  compile({ status, location }) {
    const response = { status, headers: ['location', location] };
    return { onRequest: () => response };
  },
});
