/** What a panel of the dashboard is, as data, and Grafana's JSON of it. */
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as board from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** One query of a panel. */
export interface Query {
  readonly expr: string;
  /** With labels in double braces. */
  readonly legend: string;
}

/** A value with a name and a colour of its own. */
export interface NamedValue {
  readonly value: number;
  readonly text: string;
  readonly color: Color;
}

/** Colours from a value on; the first is that of all smaller ones. */
export interface Step {
  readonly from: number | null;
  readonly color: Color;
}

type Color = 'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'gray';

/** `now`: one value each. `states`: bands of colour over time. `steps`: bars, one for each label. */
export type PanelKind = 'now' | 'states' | 'lines' | 'bars' | 'steps' | 'heatmap' | 'table';

export interface Panel {
  readonly title: string;
  /** What it shows, and what to think of it. */
  readonly description: string;
  readonly kind: PanelKind;
  readonly queries: readonly Query[];
  /** Grafana's id of a unit; none for plain numbers. */
  readonly unit?: string;
  readonly names?: readonly NamedValue[];
  readonly steps?: readonly Step[];
  /** Show the label instead of the number, as for the one node that holds an address. */
  readonly showName?: true;
  /** Of the 24 columns. */
  readonly width: number;
  readonly height: number;
}

/** Chosen by the variable, so that the dashboard fits every Grafana. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** What all builders of panels have in common. */
interface Shared extends Builder<board.Panel> {
  id(id: number): this;
  title(text: string): this;
  description(text: string): this;
  datasource(ref: common.DataSourceRef): this;
  targets(queries: Builder<Dataquery>[]): this;
  height(rows: number): this;
  span(columns: number): this;
  unit(id: string): this;
  mappings(mappings: board.ValueMapping[]): this;
  thresholds(thresholds: Builder<board.ThresholdsConfig>): this;
  colorScheme(color: Builder<board.FieldColor>): this;
}

/** The builder of a panel. */
export function builderOf(panel: Panel, id: number): Builder<board.Panel> {
  const { title, description, queries, unit, names = [], steps = [], width, height } = panel;
  const builder = bare(panel)
    .id(id)
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .targets(queries.map((query, index) => targetOf(query, index, panel.kind)))
    .span(width)
    .height(height);
  if (unit !== undefined) builder.unit(unit);
  if (names.length > 0) builder.mappings([mappingOf(names)]);
  const thresholds = new board.ThresholdsConfigBuilder().mode(board.ThresholdsMode.Absolute);
  if (steps.length > 0) {
    builder.thresholds(thresholds.steps(steps.map(({ from, color }) => ({ value: from, color }))));
    builder.colorScheme(new board.FieldColorBuilder().mode(board.FieldColorModeId.Thresholds));
  } else if (names.length > 0) builder.thresholds(thresholds.steps([{ value: null, color: 'gray' }]));
  return builder;
}

function bare({ kind, showName }: Panel): Shared {
  const legend = new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true);
  const reduced = new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false);
  switch (kind) {
    case 'now': {
      const mode = showName === true ? common.BigValueTextMode.Name : common.BigValueTextMode.ValueAndName;
      const builder = new stat.PanelBuilder().reduceOptions(reduced).textMode(mode);
      return builder.colorMode(common.BigValueColorMode.Background).graphMode(common.BigValueGraphMode.None);
    }
    case 'states':
      return new statetimeline.PanelBuilder()
        .mergeValues(true)
        .showValue(common.VisibilityMode.Auto)
        .fillOpacity(80)
        .legend(legend);
    case 'lines':
      return new timeseries.PanelBuilder().fillOpacity(5).lineWidth(1).legend(legend);
    case 'bars':
      return new timeseries.PanelBuilder()
        .drawStyle(common.GraphDrawStyle.Bars)
        .fillOpacity(80)
        .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal))
        .legend(legend);
    case 'steps':
      return new bargauge.PanelBuilder()
        .reduceOptions(reduced)
        .orientation(common.VizOrientation.Horizontal)
        .displayMode(common.BarGaugeDisplayMode.Basic);
    case 'heatmap':
      return new heatmap.PanelBuilder().calculate(false);
    case 'table':
      return new table.PanelBuilder();
  }
}

function targetOf({ expr, legend }: Query, index: number, kind: PanelKind): Builder<Dataquery> {
  const target = new prometheus.DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + index))
    .datasource(DATASOURCE)
    .editorMode(prometheus.QueryEditorMode.Code)
    .expr(expr)
    .legendFormat(legend);
  switch (kind) {
    case 'now':
    case 'steps':
      return target.instant();
    case 'table':
      return target.instant().format(prometheus.PromQueryFormat.Table);
    case 'heatmap':
      return target.range().format(prometheus.PromQueryFormat.Heatmap);
    case 'states':
    case 'lines':
    case 'bars':
      return target.range();
  }
}

function mappingOf(names: readonly NamedValue[]): board.ValueMap {
  const options = names.map(
    ({ value, text, color }, index) => [String(value), { text, color, index }] as const,
  );
  return { type: board.MappingType.ValueToText, options: Object.fromEntries(options) };
}
