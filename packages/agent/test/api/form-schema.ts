/** The JSON Schema of what the protocol's decoder lets through: made of the very shapes that check messages. */
import type { Form } from '@failtome/protocol';

/** A JSON Schema, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** @param form what a shape lets through */
export function schemaOfForm(form: Form): JsonSchema {
  switch (form.kind) {
    case 'text':
      return { type: 'string', maxLength: form.most };
    case 'matching':
      return { type: 'string', pattern: form.pattern, description: form.what };
    case 'whole':
      return { type: 'integer', minimum: form.least, maximum: form.most };
    case 'duration':
      return { type: 'number', minimum: 0, description: 'Milliseconds.' };
    case 'flag':
      return { type: 'boolean' };
    case 'one-of':
      return { type: 'string', enum: [...form.values] };
    case 'nullable':
      return { anyOf: [schemaOfForm(form.of), { type: 'null' }] };
    case 'list':
      return { type: 'array', items: schemaOfForm(form.of), maxItems: form.most };
    case 'object':
      return {
        type: 'object',
        required: Object.keys(form.required),
        properties: { ...schemasOf(form.required), ...schemasOf(form.optional) },
      };
    case 'union':
      return { oneOf: Object.values(form.of).map(schemaOfForm) };
  }
}

function schemasOf(forms: Readonly<Record<string, Form>>): JsonSchema {
  return Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, schemaOfForm(form)]));
}
