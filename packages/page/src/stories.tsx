/** What happened, newest first: takeovers as bars of their parts, and what else is worth a line. */
import type { VNode } from 'preact';
import type { ClusterModel, StoryModel } from './model.ts';
import {
  PHASE_WORDS,
  type Running,
  runningOf,
  STEP_WORDS,
  type Timeline,
  timelineOfStory,
} from './takeovers.ts';
import { clock, duration, machineTime, moment, sentence } from './text.ts';

/** So many are shown; the rest is in `failtome history`. */
const MOST = 12;

/** Takeovers that run, then the history of all nodes. */
export function Stories({
  cluster,
  stories,
}: {
  readonly cluster: ClusterModel;
  readonly stories: readonly StoryModel[];
}): VNode {
  const running = runningOf(cluster);
  const shown = stories.slice(0, MOST);
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">Takeovers and what else happened</h2>
      <ol class="stories">
        {running.map((one) => (
          <Now key={`${one.address} ${one.to}`} running={one} />
        ))}
        {shown.map((story) => (
          <Past key={story.id} story={story} />
        ))}
        {running.length + shown.length === 0 ? <li class="faint">Nothing has happened yet.</li> : null}
      </ol>
    </section>
  );
}

function Now({ running: { address, to, mode, phase, timeline } }: { readonly running: Running }): VNode {
  return (
    <li class="now">
      <p>
        <strong>
          {mode === 'handover' ? 'Handover' : 'Takeover'} of {address} by {to}
        </strong>
        , under way: {PHASE_WORDS[phase] ?? phase}
      </p>
      <Bar timeline={timeline} />
      <p class="small">{stepsIn(timeline)}</p>
    </li>
  );
}

function Past({ story }: { readonly story: StoryModel }): VNode {
  const timeline = timelineOfStory(story);
  return (
    <li>
      <p>
        <time dateTime={machineTime(story.at)} class="faint">
          {moment(story.at)}
        </time>{' '}
        <strong>{titleOf(story)}</strong>: <span class={TONES[story.result] ?? ''}>{story.result}</span>
        {timeline === null ? '' : ` in ${duration(timeline.totalMs)}`}
      </p>
      {timeline === null ? null : <Bar timeline={timeline} />}
      <Details story={story} timeline={timeline} />
    </li>
  );
}

const TONES: Readonly<Record<string, string>> = {
  served: 'good',
  done: 'good',
  lost: 'bad',
  refused: 'warn',
  abandoned: 'bad',
  failed: 'bad',
};

/** What it was, and whose doing. */
function titleOf({ kind, address, from, to, node, result }: StoryModel): string {
  switch (kind) {
    case 'refusal':
      return `${to} did not take ${address}`;
    case 'blocked':
      return `${to} told people that nobody may take ${address}`;
    case 'vote':
      return `${node} voted on ${address} for ${to}`;
    case 'change':
      return result === 'lost' ? `${node} lost ${address} to ${to}` : `${address} went from ${from} to ${to}`;
    case 'order':
      return `Handover of ${address} to ${to}, as ordered`;
    default:
      return `${kind === 'handover' ? 'Handover' : 'Takeover'} of ${address}, ${from} → ${to}`;
  }
}

/** The parts as a bar; the list below says the same in words. */
function Bar({ timeline: { parts } }: { readonly timeline: Timeline }): VNode {
  return (
    <svg class="bar" aria-hidden="true" width="100%" height="12">
      {parts.map(({ step, at, width, running }, index) => (
        <rect
          key={`${step} ${index}`}
          x={`${at}%`}
          y="0"
          width={`${width}%`}
          height="12"
          class={running ? 'running' : `step-${step}`}
        />
      ))}
    </svg>
  );
}

function Details({
  story,
  timeline,
}: {
  readonly story: StoryModel;
  readonly timeline: Timeline | null;
}): VNode {
  return (
    <details>
      <summary>{timeline === null ? 'Why' : stepsIn(timeline)}</summary>
      <p>{sentence(story.reason === '' ? 'no reason is told' : story.reason)}</p>
      {timeline === null ? null : <Times timeline={timeline} at={story.at} />}
      {story.seen.length === 0 ? null : (
        <ul>
          {story.seen.map((seen) => (
            <li key={`${seen.node} ${seen.kind} ${seen.reason}`}>
              {seen.node}: {seen.kind} {seen.result}, {seen.reason}
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}

function stepsIn({ parts }: Timeline): string {
  return parts
    .map(({ step, durationMs }) => `${STEP_WORDS[step] ?? PHASE_WORDS[step] ?? step} ${duration(durationMs)}`)
    .join(' · ');
}

/** When each part ended, counted back from the end, which is what the history has. */
function Times({
  timeline: { parts, totalMs },
  at,
}: {
  readonly timeline: Timeline;
  readonly at: number;
}): VNode {
  let passed = 0;
  return (
    <ol class="times">
      {parts.map(({ step, durationMs }, index) => {
        passed += durationMs;
        return (
          <li key={`${step} ${index}`}>
            {clock(at - totalMs + passed)} {STEP_WORDS[step] ?? step}, after {duration(durationMs)}
          </li>
        );
      })}
    </ol>
  );
}
