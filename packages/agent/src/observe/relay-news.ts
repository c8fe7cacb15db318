/** What is told of the relay, as log lines. */
import type { RelayNews } from '@failtome/ports';
import type { Log } from './log.ts';

/** Log what matters to people; what is only counted is left to the metrics. */
export function tellRelay(log: Pick<Log, 'tell'>, news: RelayNews): void {
  switch (news.kind) {
    case 'path':
      return news.relaying
        ? log.tell(
            'warn',
            'relay',
            `${news.peer} doesn't answer directly: messages go through the store as well`,
            { peer: news.peer, relaying: true },
          )
        : log.tell('info', 'relay', `${news.peer} answers directly again`, {
            peer: news.peer,
            relaying: false,
          });
    case 'store':
      return news.failure === null
        ? log.tell('info', 'store', 'the store has answered: messages could go through it')
        : log.tell('error', 'store', `the store fails: ${news.failure.code}: ${news.failure.detail}`, {
            code: news.failure.code,
          });
    case 'conflict':
      return log.tell(
        'warn',
        'store',
        `what this node writes for ${news.peer} somebody else has written too: another run with its id, or a late write of an earlier one`,
        { peer: news.peer, code: 'conflict' },
      );
    case 'call':
    case 'carried':
      return;
  }
}
