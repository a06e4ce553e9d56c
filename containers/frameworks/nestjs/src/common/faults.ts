import { UnprocessableEntityException } from '@nestjs/common';
import type { ValidationError } from 'class-validator';

export interface Fault {
  path: string;
  code: 'required' | 'type' | 'size' | 'range' | 'format' | 'unknown';
}

/** What class-validator's constraints are called here. A value breaks several at once: the first of this list names it. */
const CODES: [constraint: string, code: Fault['code']][] = [
  ['whitelistValidation', 'unknown'],
  ['isDefined', 'required'],
  ['isArray', 'type'],
  ['isString', 'type'],
  ['isInt', 'type'],
  ['arrayMinSize', 'size'],
  ['arrayMaxSize', 'size'],
  ['min', 'range'],
  ['max', 'range'],
  ['matches', 'format'],
];

/** The answer to a request that breaks the rules of its DTO. */
export function refusal(errors: ValidationError[]): UnprocessableEntityException {
  return refusalOf(faultsOf(errors));
}

export function refusalOf(errors: Fault[]): UnprocessableEntityException {
  return new UnprocessableEntityException({ errors });
}

function faultsOf(errors: ValidationError[], parent = ''): Fault[] {
  return errors.flatMap((error) => {
    const path = parent + error.property;
    const code = CODES.find(([constraint]) => error.constraints?.[constraint] !== undefined)?.[1];
    if (code) return [{ path, code }];
    const items = error.constraints?.isObject ? itemsThatAreNoObjects(error.value, path) : [];
    return [...items, ...faultsOf(error.children?.filter((child) => !child.constraints?.nestedValidation) ?? [], `${path}.`)];
  });
}

/** class-validator names the list alone when one of its items should be an object and is none. */
function itemsThatAreNoObjects(list: unknown[], path: string): Fault[] {
  return list.flatMap((item, index): Fault[] => {
    if (item === null) return [{ path: `${path}.${index}`, code: 'required' }];
    return typeof item !== 'object' || Array.isArray(item) ? [{ path: `${path}.${index}`, code: 'type' }] : [];
  });
}
