/** The first answer, for each address: protected or not, who serves, who would be next, what to do. */
import type { VNode } from 'preact';
import type { Headline } from './headline.ts';
import { Marked } from './marked.tsx';
import type { HomeModel, ProtectionWord, Reason } from './model.ts';
import { duration, sentence } from './text.ts';

/** Each state in words. */
export const STATE_WORDS: Readonly<Record<ProtectionWord, string>> = {
  protected: 'Protected',
  'no-standby': 'No standby',
  'failing-over': 'Failing over',
  outage: 'Outage',
  paused: 'Paused',
  unknown: 'Not known',
};

/** A sign for each, for who can't tell the colours apart. */
const SIGNS: Readonly<Record<ProtectionWord, string>> = {
  protected: '✓',
  'no-standby': '!',
  'failing-over': '→',
  outage: '✕',
  paused: 'Ⅱ',
  unknown: '?',
};

/** All addresses, each with its state as large as it matters. */
export function Addresses({
  headlines,
  lost,
}: {
  readonly headlines: readonly Headline[];
  /** Nobody tells any more how they are. */
  readonly lost: boolean;
}): VNode {
  return (
    <section aria-label="Addresses" class="addresses">
      {headlines.length === 0 ? <p class="faint">No node has told of an address yet.</p> : null}
      {headlines.map((headline) => (
        <Address key={headline.ip} headline={headline} lost={lost} />
      ))}
    </section>
  );
}

function Address({ headline, lost }: { readonly headline: Headline; readonly lost: boolean }): VNode {
  const { ip, state, holder } = headline;
  return (
    <article class={`address ${state}`} aria-labelledby={`state-${ip}`}>
      <p class="ip">{ip}</p>
      <h2 id={`state-${ip}`} class="state">
        <span aria-hidden="true" class="sign">
          {SIGNS[lost ? 'unknown' : state]}
        </span>
        {lost ? `Last known: ${STATE_WORDS[state]}` : STATE_WORDS[state]}
      </h2>
      {/* Read out when it changes, and only then. */}
      <p role="status" class="hidden">
        {`${ip}: ${STATE_WORDS[state]}. ${nextWords({ ...headline, downForMs: null })}`}
      </p>
      <p class="serves">
        {servesWords(state, holder)} {nextWords(headline)}
      </p>
      <Reasons headline={headline} />
      <Home home={headline.home} />
    </article>
  );
}

/** Only while it is away: else the first sentence says all. */
function Home({ home }: { readonly home: HomeModel | null }): VNode | null {
  if (home === null || home.isThere) return null;
  return <p class="small">{sentence(`It is away from its home ${home.node}: ${home.because}`)}</p>;
}

function servesWords(state: ProtectionWord, holder: string): string {
  if (holder === '') return 'Nobody knows who holds it.';
  if (holder === 'nobody') return 'Nobody holds it.';
  return state === 'outage' || state === 'failing-over' ? `${holder} holds it.` : `${holder} serves.`;
}

/** Could it fail over now, and to whom. */
export function nextWords({ state, next, downForMs }: Headline): string {
  switch (state) {
    case 'protected':
      return `${next} would take over.`;
    case 'failing-over':
      return next === '' ? 'Somebody takes it over.' : `${next} takes it over.`;
    case 'outage':
      return `It has given no answer${downForMs === null ? '' : ` for ${duration(downForMs)}`}, and nobody takes it over.`;
    case 'paused':
      return 'Nobody would take over before the pause ends.';
    case 'no-standby':
      return 'Nobody could take over now.';
    case 'unknown':
      return 'No node can say whether anybody could take over.';
  }
}

/** Beside a takeover that runs nothing has to be explained, and of a protected address only what limits it. */
function Reasons({
  headline: { state, reasons, holdDownMs },
}: {
  readonly headline: Headline;
}): VNode | null {
  if (state === 'failing-over' || (reasons.length === 0 && holdDownMs === 0)) return null;
  if (reasons.length === 0)
    return <p class="small">{`It moved lately: hold-down for another ${duration(holdDownMs)}.`}</p>;
  return (
    <ul class="reasons">
      {reasons.map((reason) => (
        <li key={`${reason.code} ${reason.text}`}>
          <Why reason={reason} limits={state === 'protected'} />
        </li>
      ))}
    </ul>
  );
}

function Why({
  reason: { code, text, advice },
  limits,
}: {
  readonly reason: Reason;
  readonly limits: boolean;
}): VNode {
  return (
    <>
      {limits ? 'But ' : ''}
      <a href={`operations#${code}`}>{code}</a>
      {text === code ? '. ' : `: ${sentence(text)} `}
      <Marked text={advice} />
    </>
  );
}
