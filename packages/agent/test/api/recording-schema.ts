/** What `/v1/recordings` answers. */
import Type from 'typebox';
import type { RecordingPiece, RecordingsView } from '../../src/http/recording-routes.ts';
import { count, describing, lengthMs, moment, nodeId, nullable, text } from './words.ts';

/** The list, with what a bundle has of a node besides. */
export const RECORDINGS = describing<RecordingsView>()(
  Type.Object(
    {
      node: nullable(nodeId('This node.'), 'Null: not known yet.'),
      cluster: text('The cluster.'),
      version: text('Of the software.'),
      nodejs: text('Of Node.'),
      wall: moment('By its wall clock, when it answered.'),
      monotonicMs: lengthMs('By its monotonic clock, the same.'),
      configuration: Type.Unsafe<unknown>({
        type: 'object',
        description: 'As it counts, without secrets; its names may change.',
      }),
      recorder: nullable(
        Type.Object({
          keepMs: lengthMs('How long.'),
          sizeBytes: count('How much.'),
          lost: count('Inputs that are in no recording.'),
        }),
        'What is kept; null: nothing.',
      ),
      recordings: Type.Array(
        Type.Object({
          name: text('Its name.'),
          began: moment('When it began.'),
          bytes: count('How large it is.'),
        }),
        { description: 'Oldest first.' },
      ),
    },
    { description: 'What a node has recorded.' },
  ),
);

/** A part of a recording. */
export const RECORDING_PIECE = describing<RecordingPiece>()(
  Type.Object(
    {
      name: text('Its name.'),
      from: count('From which byte on.'),
      content: text('Base64; empty: nothing stands there.'),
    },
    { description: 'A part of a recording.' },
  ),
);
