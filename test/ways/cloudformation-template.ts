/** A CloudFormation template as far as it can be had without AWS: its tags read, its conditions decided, its references resolved. */
import { type CollectionTag, parseDocument, type ScalarTag, YAMLMap, YAMLSeq } from 'yaml';

/** What YAML and JSON hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Fields = Readonly<Record<string, Json>>;

/** CloudFormation User Guide, "Template sections"; `Resources` alone is required. */
export type Template = Readonly<Record<string, Fields>> & { readonly Resources: Fields };

const LONG_NAMES = ['Ref', 'Condition'];
const FUNCTIONS = ['Ref', 'Condition', 'Sub', 'GetAtt', 'If', 'Join', 'Equals', 'And', 'Or', 'Not', 'Base64'];

const longName = (short: string): string => (LONG_NAMES.includes(short) ? short : `Fn::${short}`);

/** The short forms of functions (CloudFormation User Guide, "Intrinsic function reference"), each as its long one. */
const tags = FUNCTIONS.flatMap((short): (ScalarTag | CollectionTag)[] => [
  {
    tag: `!${short}`,
    resolve: (text: string) => ({ [longName(short)]: short === 'GetAtt' ? text.split('.') : text }),
  },
  {
    tag: `!${short}`,
    collection: 'seq',
    resolve: (value) => {
      const map = new YAMLMap();
      map.set(longName(short), value instanceof YAMLSeq ? value : null);
      return map;
    },
  },
]);

/** @throws Error for what is no YAML, or has a tag that no function has. */
export function parseTemplate(text: string): Template {
  const document = parseDocument(text, { customTags: tags });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw fault;
  // As CloudFormation has it; what isn't there is found by the tests.
  return document.toJS();
}

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The one function that an object stands for, with its argument. */
export function functionIn(value: Json): readonly [name: string, argument: Json] | null {
  if (!isFields(value)) return null;
  const [first, ...others] = Object.entries(value);
  if (first === undefined || others.length > 0) return null;
  return first[0].startsWith('Fn::') || LONG_NAMES.includes(first[0]) ? first : null;
}

/** What a stack would be: the resources that exist, and their properties with nothing left to find out. */
export interface Stack {
  readonly resources: Readonly<Record<string, Fields>>;
  readonly outputs: Readonly<Record<string, Json>>;
  /** References that lead nowhere. */
  readonly faults: readonly string[];
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '123456789012',
  'AWS::URLSuffix': 'amazonaws.com',
};

const ABSENT = Symbol('AWS::NoValue');
type Value = Json | typeof ABSENT;

/** Decides conditions and resolves functions. What only AWS knows is `<Resource>` or `<Resource.Attribute>`, unless it is given. */
export function stackOf(
  template: Template,
  given: Readonly<Record<string, string>>,
  known: Readonly<Record<string, string>> = {},
): Stack {
  const faults: string[] = [];
  const { Parameters = {}, Conditions = {}, Resources, Outputs = {} } = template;
  const parameter = (name: string): Json | undefined => {
    const declared = Parameters[name];
    return isFields(declared) ? (given[name] ?? declared.Default ?? `<${name}>`) : undefined;
  };
  const exists = (name: string): boolean => {
    const resource = Resources[name];
    if (!isFields(resource)) return false;
    return typeof resource.Condition !== 'string' || holds({ Condition: resource.Condition });
  };
  const of = (what: string): string => known[what] ?? `<${what}>`;

  function reference(name: string): Value {
    if (name === 'AWS::NoValue') return ABSENT;
    const value = PSEUDO[name] ?? parameter(name);
    if (value !== undefined) return value;
    if (!exists(name)) faults.push(`Ref ${name}`);
    return of(name);
  }

  function attribute(path: string): Json {
    const [name = ''] = path.split('.');
    if (!exists(name)) faults.push(`GetAtt ${path}`);
    return of(path);
  }

  function holds(condition: Json): boolean {
    const [name, argument] = functionIn(condition) ?? ['', null];
    const list = Array.isArray(argument) ? argument : [];
    switch (name) {
      case 'Condition': {
        const named = Conditions[String(argument)];
        if (named === undefined) faults.push(`Condition ${String(argument)}`);
        return named !== undefined && holds(named);
      }
      case 'Fn::Equals':
        return resolved(list[0] ?? null) === resolved(list[1] ?? null);
      case 'Fn::Not':
        return !list.some(holds);
      case 'Fn::And':
        return list.every(holds);
      case 'Fn::Or':
        return list.some(holds);
      default:
        throw new Error(`No condition: ${JSON.stringify(condition)}`);
    }
  }

  function substituted(argument: Json): string {
    const [text, names] = Array.isArray(argument) ? argument : [argument, {}];
    return String(text).replaceAll(/\$\{([^!}][^}]*)\}/g, (_, name: string) => {
      const own = isFields(names) ? names[name] : undefined;
      if (own !== undefined) return String(resolved(own));
      return String(name.includes('.') ? attribute(name) : reference(name));
    });
  }

  function called(name: string, argument: Json): Value {
    const list = Array.isArray(argument) ? argument : [];
    switch (name) {
      case 'Ref':
        return reference(String(argument));
      case 'Fn::GetAtt':
        return attribute(list.join('.'));
      case 'Fn::Sub':
        return substituted(argument);
      case 'Fn::If':
        return resolved(list[holds({ Condition: list[0] ?? null }) ? 1 : 2] ?? null);
      case 'Fn::Join': {
        const parts = resolved(list[1] ?? []);
        return Array.isArray(parts) ? parts.join(String(list[0])) : null;
      }
      case 'Fn::Base64':
        return resolved(argument);
      default:
        throw new Error(`No function: ${name}`);
    }
  }

  function resolved(value: Json): Value {
    const call = functionIn(value);
    if (call !== null) return called(...call);
    if (Array.isArray(value)) return value.map(resolved).filter((each) => each !== ABSENT);
    if (!isFields(value)) return value;
    const fields = Object.entries(value).map(([key, each]) => [key, resolved(each)] as const);
    return Object.fromEntries(fields.filter((field): field is [string, Json] => field[1] !== ABSENT));
  }

  const resources: Record<string, Fields> = {};
  for (const [name, resource] of Object.entries(Resources)) {
    if (!isFields(resource) || !exists(name)) continue;
    const { Condition: _, DependsOn = [], ...rest } = resource;
    for (const other of [DependsOn].flat()) {
      if (!exists(String(other))) faults.push(`DependsOn ${String(other)}`);
    }
    const whole = resolved(rest);
    if (whole !== ABSENT && isFields(whole)) resources[name] = whole;
  }
  const outputs = Object.entries(Outputs).map(([name, output]) => {
    const value = resolved(isFields(output) ? (output.Value ?? null) : null);
    return [name, value === ABSENT ? null : value] as const;
  });
  return { resources, outputs: Object.fromEntries(outputs), faults };
}
