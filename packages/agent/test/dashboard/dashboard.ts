/** The Grafana dashboard, made with Grafana's own builders, whose types are the documented schema. */
import * as board from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { AGREEMENT, CLOUD, FAILOVERS, PATHS, PROCESS } from './more-rows.ts';
import { builderOf, DATASOURCE } from './panel.ts';
import { type BoardRow, NOW, named, OF_ADDRESS, OVER_TIME } from './rows.ts';

/** Beneath the first look. */
const ROWS: readonly BoardRow[] = [NOW, OVER_TIME, FAILOVERS, AGREEMENT, PATHS, CLOUD, PROCESS];

/** The dashboard as it is shipped. */
export function dashboard(): board.Dashboard {
  const builder = new board.DashboardBuilder('failtome')
    .uid('failtome')
    .description(
      'Failover of Elastic IPs between HAProxy nodes: who serves, could it fail over, and how failovers went.',
    )
    .tags(['failtome', 'haproxy'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(board.DashboardCursorSync.Crosshair)
    .readonly();
  for (const variable of variables()) builder.withVariable(variable);
  for (const annotation of annotations()) builder.annotation(annotation);
  let id = 0;
  for (const { title, panels } of ROWS) {
    id += 1;
    builder.withRow(new board.RowBuilder(title).id(id));
    for (const panel of panels) {
      id += 1;
      builder.withPanel(builderOf(panel, id));
    }
  }
  return builder.build();
}

/** Chosen from left to right; each offers only what the ones before it leave. */
function variables(): (board.DatasourceVariableBuilder | board.QueryVariableBuilder)[] {
  const datasource = new board.DatasourceVariableBuilder('datasource')
    .label('Data source')
    .type('prometheus');
  const of = (name: string, label: string, query: string): board.QueryVariableBuilder =>
    new board.QueryVariableBuilder(name)
      .label(label)
      .datasource(DATASOURCE)
      // 1: label_values, as Grafana itself writes it.
      .query({ qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' })
      .definition(query)
      .refresh(board.VariableRefresh.OnTimeRangeChanged)
      .sort(board.VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      .allValue('.*')
      .current({ text: 'All', value: '$__all', selected: true });
  return [
    datasource,
    of('cluster', 'Cluster', 'label_values(failtome_build_info, cluster)'),
    of('job', 'Job', 'label_values(failtome_build_info{cluster=~"$cluster"}, job)'),
    of('address', 'Address', 'label_values(failtome_holder{job=~"$job"}, address)'),
    of('node', 'Node', 'label_values(failtome_build_info{cluster=~"$cluster", job=~"$job"}, node)'),
  ];
}

/** What happened, across all panels. */
function annotations(): board.AnnotationQueryBuilder[] {
  const moved = (name: string, results: string): string => {
    const increase = `increase(failtome_${name}{result=~"${results}", ${OF_ADDRESS}}[1m])`;
    return named(`(sum by (job, instance, address) (${increase}) > 0)`);
  };
  const told = [
    {
      name: 'Takeovers',
      color: 'red',
      expr: moved('takeovers_total', 'served|moved'),
      title: '{{node}} took {{address}} over',
    },
    {
      name: 'Handovers',
      color: 'blue',
      expr: moved('handovers_total', 'served|moved'),
      title: '{{address}} was handed over to {{node}}',
    },
    {
      name: 'Pauses',
      color: 'orange',
      expr: 'max by (job) (failtome_paused{job=~"$job"}) == 1',
      title: '{{job}} is paused',
    },
  ];
  return told.map(({ name, color, expr, title }) =>
    new board.AnnotationQueryBuilder()
      .name(name)
      .datasource(DATASOURCE)
      .enable(true)
      .iconColor(color)
      .expr(expr)
      .step('15s')
      .titleFormat(title)
      .target(new prometheus.DataqueryBuilder().refId('Anno').expr(expr).range().interval('15s')),
  );
}
