/** A template's resources held to AWS's own specification of them. */
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { PropertyType, Resource, SpecDatabase } from '@aws-cdk/service-spec-types';
import { isFields, type Json } from './cloudformation-template.ts';

const database: SpecDatabase = loadAwsServiceSpecSync();

/** @throws Error for a type that AWS doesn't know. */
export function resourceType(name: string): Resource {
  return database.lookup('resource', 'cloudFormationType', 'equals', name).only();
}

/** What is wrong with resolved properties, one line each. */
export function schemaFaults(type: string, properties: Json): readonly string[] {
  return fieldFaults(resourceType(type).properties, properties, type);
}

type Properties = Resource['properties'];

function fieldFaults(known: Properties, value: Json, at: string): readonly string[] {
  if (!isFields(value)) return [`${at} is no map`];
  const unknown = Object.keys(value).filter((key) => !(key in known));
  const missing = Object.entries(known).filter(([key, { required }]) => required === true && !(key in value));
  return [
    ...unknown.map((key) => `${at}.${key} does not exist`),
    ...missing.map(([key]) => `${at}.${key} is missing`),
    ...Object.entries(value).flatMap(([key, each]) => {
      const property = known[key];
      return property === undefined ? [] : typeFaults(property.type, each, `${at}.${key}`);
    }),
  ];
}

/** CloudFormation takes numbers and booleans as text, too. */
function typeFaults(type: PropertyType, value: Json, at: string): readonly string[] {
  switch (type.type) {
    case 'array': {
      if (!Array.isArray(value)) return [`${at} is no list`];
      return value.flatMap((each, index) => typeFaults(type.element, each, `${at}[${index}]`));
    }
    case 'map':
      if (!isFields(value)) return [`${at} is no map`];
      return Object.entries(value).flatMap(([key, each]) => typeFaults(type.element, each, `${at}.${key}`));
    case 'tag':
      return isFields(value) && Object.keys(value).sort().join() === 'Key,Value' ? [] : [`${at} is no tag`];
    case 'ref': {
      const { properties } = database.get('typeDefinition', type.reference.$ref);
      return fieldFaults(properties, value, at);
    }
    case 'union': {
      const each = type.types.map((one) => typeFaults(one, value, at));
      return each.some((faults) => faults.length === 0) ? [] : (each[0] ?? []);
    }
    case 'json':
      return [];
    case 'integer':
    case 'number':
      return Number.isFinite(Number(value)) ? [] : [`${at} is no number`];
    case 'boolean':
      return /^(true|false)$/.test(String(value)) ? [] : [`${at} is neither true nor false`];
    default:
      return typeof value === 'object' ? [`${at} is no single value`] : [];
  }
}
