import { z } from 'zod';

/**
 * Parses `value`, or throws a ZodError whose messages are the contract's codes.
 * @param {z.ZodType} schema
 */
export function parse(schema, value) {
  return schema.parse(value, { error: codeOf });
}

/** What an answer says of a ZodError: one fault for each path. */
export function faultsOf(error) {
  const faults = new Map();
  for (const { code, path, message, keys } of error.issues) {
    const paths = code === 'unrecognized_keys' ? keys.map((key) => [...path, key]) : [path];
    for (const each of paths) {
      const text = each.join('.');
      if (!faults.has(text)) faults.set(text, { path: text, code: message });
    }
  }
  return [...faults.values()];
}

function codeOf({ code, origin, path, input }) {
  switch (code) {
    case 'too_small':
    case 'too_big':
      return origin === 'array' ? 'size' : 'range';
    case 'invalid_format':
      return 'format';
    case 'unrecognized_keys':
      return 'unknown';
    default:
      // The body as a whole is never missing: `null` is a body of the wrong type.
      return path?.length > 0 && (input === undefined || input === null) ? 'required' : 'type';
  }
}
