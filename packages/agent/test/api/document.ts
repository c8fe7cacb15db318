/** The OpenAPI document of the agent's HTTP API: made of the schemas that its requests are checked by and its answers are held to. */
import { ENVELOPE_FORM, MAX_MESSAGE_BYTES } from '@failtome/protocol';
import { SIGNATURE_HEADER, TIME_HEADER } from '../../src/auth/signature.ts';
import { MESSAGE_ROUTES } from '../../src/http/message-routes.ts';
import { QUERY } from '../../src/http/queries.ts';
import { schemaOfForm } from './form-schema.ts';
import { RECORDING_PIECE, RECORDINGS } from './recording-schema.ts';
import { ADDRESS, HANDOVER, PEER, STATUS } from './status-schema.ts';
import {
  CLUSTER,
  ERROR,
  HISTORY,
  HISTORY_LINE,
  HOLDER_ANSWER,
  LIVE,
  READY,
  REPORT,
  WHY,
} from './view-schemas.ts';

const ENVELOPE = schemaOfForm(ENVELOPE_FORM);

/** What is shown by its name, wherever it stands. */
const NAMED: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [STATUS, 'Status'],
  [ADDRESS, 'Address'],
  [PEER, 'Peer'],
  [HANDOVER, 'Handover'],
  [WHY, 'Why'],
  [HISTORY, 'History'],
  [HISTORY_LINE, 'HistoryLine'],
  [CLUSTER, 'Cluster'],
  [REPORT, 'Report'],
  [HOLDER_ANSWER, 'Holder'],
  [LIVE, 'Live'],
  [READY, 'Ready'],
  [ERROR, 'Error'],
  [ENVELOPE, 'Message'],
]);

/** @param version of the software */
export function openApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'The HTTP API of a failtome agent',
      version,
      description:
        'Ages and durations are milliseconds, times milliseconds since 1970. Fields may be added; none is dropped or changes its ' +
        'meaning within a major version. What each code means is in docs/http.md and docs/operations.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://{host}:8741', variables: { host: { default: '127.0.0.1' } } }],
    tags: [
      { name: 'views', description: 'For whoever may read: they change nothing.' },
      { name: 'health', description: 'For load balancers, monitors and supervisors.' },
      { name: 'messages', description: 'For peers and operators: signed with the cluster key.' },
    ],
    paths: { ...views(), ...health(), ...messages() },
    components: {
      schemas: Object.fromEntries(Array.from(NAMED, ([schema, name]) => [name, inner(schema)])),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'Where api.read is token.' },
        signedRead: {
          type: 'apiKey',
          in: 'header',
          name: SIGNATURE_HEADER,
          description: `Beside ${TIME_HEADER}: answered in every mode of api.read.`,
        },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: SIGNATURE_HEADER,
          description: 'HMAC-SHA256 under the cluster key, base64url, over direction, method, path and body.',
        },
      },
    },
  };
}

const READ = [{}, { token: [] }, { signedRead: [] }];

function views(): object {
  return {
    '/v1/status': {
      get: view('status', 'What this node knows of itself, its addresses and its peers.', {
        parameters: [
          parameter('with', {
            schema: { type: 'string', enum: ['decisions,history'] },
            description: 'With the decisions and the newest history: what nodes ask each other.',
          }),
        ],
        responses: { 200: json('The status.', { anyOf: [STATUS, REPORT] }) },
      }),
    },
    '/v1/cluster': {
      get: view('cluster', 'Every node, as this one could get it.', {
        responses: { 200: json('The nodes.', CLUSTER) },
      }),
    },
    '/v1/why': {
      get: view('why', 'The decision about an address, gate by gate.', {
        parameters: [parameter('ip', QUERY.ip)],
        responses: { 200: json('The ladder.', WHY), 400: BAD_QUERY, 404: UNKNOWN_ADDRESS },
      }),
    },
    '/v1/history': {
      get: view('history', 'What this node did, and saw others do.', {
        parameters: [parameter('limit', QUERY.limit)],
        responses: { 200: json('The newest first.', HISTORY), 400: BAD_QUERY },
      }),
    },
    '/v1/recordings': {
      get: get(
        'recordings',
        'messages',
        'What this node has recorded, and its configuration, for a bundle.',
        {
          security: [{ signedRead: [] }],
          parameters: [
            parameter('name', {
              schema: { type: 'string' },
              description: 'A part of the recording of this name, instead of the list.',
            }),
            parameter('from', QUERY.from),
          ],
          responses: {
            200: json('The list, or a part of one; signed.', { anyOf: [RECORDINGS, RECORDING_PIECE] }),
            400: BAD_QUERY,
            404: json('There is none of that name.', ERROR),
          },
        },
      ),
    },
    '/v1/events': {
      get: view('events', 'Server-sent events: status or cluster, histories, decided, step, history.', {
        parameters: [parameter('of', QUERY.of)],
        responses: { 200: plain('The stream.', 'text/event-stream'), 400: BAD_QUERY },
      }),
    },
    '/': { get: view('page', 'The status page.', { responses: { 200: plain('HTML.', 'text/html') } }) },
    '/operations': {
      get: view('operations', 'What to do about each reason code, as a page.', {
        responses: { 200: plain('HTML.', 'text/html') },
      }),
    },
    '/openapi.json': {
      get: view('openapi', 'This document.', {
        responses: { 200: json('OpenAPI 3.1.', { type: 'object' }) },
      }),
    },
  };
}

function health(): object {
  return {
    '/v1/holder': {
      get: get('holder', 'health', 'Whether this node holds an address.', {
        parameters: [parameter('ip', QUERY.ip)],
        responses: {
          200: json('It does.', HOLDER_ANSWER),
          503: json('It does not.', HOLDER_ANSWER),
          400: BAD_QUERY,
          404: UNKNOWN_ADDRESS,
        },
      }),
    },
    '/livez': {
      get: get('livez', 'health', 'Whether the event loop turns.', {
        security: [],
        responses: { 200: json('It does.', LIVE) },
      }),
    },
    '/readyz': {
      get: get('readyz', 'health', 'Whether it has begun its work.', {
        security: [],
        responses: { 200: json('It has.', READY), 503: json('Not yet, or no more.', READY) },
      }),
    },
    '/metrics': {
      get: get('metrics', 'health', "Prometheus's text format.", {
        responses: { 200: plain('The metrics.', 'text/plain') },
      }),
    },
  };
}

function messages(): object {
  const message = (description: string): object => ({
    description,
    headers: { [SIGNATURE_HEADER]: { schema: { type: 'string' }, description: "The answer's own." } },
    content: { 'application/json': { schema: reference(ENVELOPE) } },
  });
  return Object.fromEntries(
    MESSAGE_ROUTES.map((route) => [
      route,
      {
        post: {
          operationId: route.split('/').at(-1),
          tags: ['messages'],
          summary: PURPOSES[route],
          description: `At most ${MAX_MESSAGE_BYTES} bytes.`,
          security: [{ signature: [] }],
          requestBody: { required: true, content: { 'application/json': { schema: reference(ENVELOPE) } } },
          responses: {
            200: message('What it answers.'),
            403: message('It was authentic, and does not count: payload.refused says why.'),
            409: message('The sender has to begin a session, or again: payload.refused says why.'),
            default: REFUSED,
          },
        },
      },
    ]),
  );
}

const PURPOSES: Readonly<Record<(typeof MESSAGE_ROUTES)[number], string>> = {
  '/v1/gossip': 'Heartbeats and gossip of peers.',
  '/v1/vote': 'Ballots of peers.',
  '/v1/handover': "An operator's handover, its withdrawal, or the question how it stands.",
  '/v1/pause': "An operator's pause.",
  '/v1/resume': 'The end of a pause.',
};

const REFUSED = json('The request was refused, or could not be answered.', ERROR);
const BAD_QUERY = json('A parameter does not fit.', ERROR);
const UNKNOWN_ADDRESS = json('The cluster does not share that address.', ERROR);

interface Operation {
  readonly parameters?: readonly object[];
  readonly security?: readonly object[];
  readonly responses: object;
}

function view(id: string, summary: string, operation: Operation): object {
  return get(id, 'views', summary, operation);
}

function get(
  id: string,
  tag: string,
  summary: string,
  { parameters, security = READ, responses }: Operation,
): object {
  return {
    operationId: id,
    tags: [tag],
    summary,
    security,
    ...(parameters === undefined ? {} : { parameters }),
    responses: { ...responses, default: REFUSED },
  };
}

function parameter(
  name: string,
  { schema, description }: { readonly schema: object; readonly description: string },
): object {
  return { name, in: 'query', description, schema };
}

function json(description: string, schema: unknown): object {
  return { description, content: { 'application/json': { schema: reference(schema) } } };
}

function plain(description: string, type: string): object {
  return { description, content: { [type]: { schema: { type: 'string' } } } };
}

/** By its name, where it has one. */
function reference(schema: unknown): unknown {
  const name = NAMED.get(schema);
  return name === undefined ? inner(schema) : { $ref: `#/components/schemas/${name}` };
}

/** The schema itself, with names for what has one within it. */
function inner(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(reference);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, reference(value)]));
}
