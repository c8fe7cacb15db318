/** What the dashboard asks Prometheus, with its variables filled in as Grafana would. */

/** A query, and where it stands. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
}

/** As much of Grafana's JSON as this reads. */
export interface BoardJson {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
}

/** Every query of panels and annotations. */
export function expressionsOf({ panels, annotations }: BoardJson): readonly Expression[] {
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
    ...annotations.list.flatMap(({ name, expr }) => (expr === undefined ? [] : [{ where: name, expr }])),
  ];
}

/** With everything chosen, a quarter of an hour shown, and a scrape each half second. */
export function filledIn(expr: string): string {
  const filled = expr
    .replaceAll('$__rate_interval', '30s')
    .replaceAll('$__range', '15m')
    .replaceAll('$__interval', '15s')
    .replace(/\$(cluster|job|address|node)\b/g, '.*');
  if (filled.includes('$')) throw new Error(`a variable is not filled in: ${filled}`);
  return filled;
}
