/** What becomes of the AWS credentials, as log lines. Never what they are. */
import type { CredentialsNews } from '../adapters/credentials.ts';
import type { Log } from './log.ts';

/** Log what has become of the credentials. */
export function tellCredentials(log: Log, news: CredentialsNews): void {
  switch (news.kind) {
    case 'refused':
      return log.tell(
        'error',
        'credentials',
        `AWS refuses the credentials of this node (${news.code}): their source is asked for others until it has some`,
        { code: news.code },
      );
    case 'renewed':
      return log.tell(
        'info',
        'credentials',
        'the source of the AWS credentials had new ones: they are used from now on',
      );
    case 'unavailable':
      return log.tell('error', 'credentials', `the source of the AWS credentials has none: ${news.detail}`);
  }
}
