/** What is used of `@cdktf/hcl2json`, whose own types bring those of browsers with them, which contradict Node's. */

/** A reference within an expression. */
export interface Reference {
  readonly value: string;
}

export declare function parse(filename: string, contents: string): Promise<Record<string, never>>;
export declare function getReferencesInExpression(filename: string, expression: string): Promise<Reference[]>;
