/** A heartbeat and its answer as anybody would write them: signed JSON, sent with `fetch` to a plain server. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { CountingForwarder } from './forwarder.ts';

const exchanges = 20;
const key = Buffer.alloc(32, 7);

/** What two nodes of a pair have to tell each other each time, when each time all of it is told. */
const message = {
  cluster: 'web',
  from: 'saturn',
  to: 'neptune',
  session: 'q3vJx0wEJ2c',
  sequence: 12_345,
  time: 1_767_323_045_000,
  incarnation: 3,
  fit: true,
  addresses: [{ ip: '54.173.141.243', holder: 'saturn', verdict: 'up', ageMs: 512 }],
  paused: false,
};

/** Both ways together, in bytes of payload, the connection being kept. */
export async function plainExchangeBytes(): Promise<number> {
  const body = JSON.stringify(message);
  const signature = createHmac('sha256', key).update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-signature': signature };
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, headers).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const forwarder = new CountingForwarder();
  const { host, port } = await forwarder.open();
  try {
    if (address === null || typeof address === 'string') throw new Error('The server has no port.');
    forwarder.aim({ host: '127.0.0.1', port: address.port });
    for (let count = 0; count < exchanges; count += 1) {
      const response = await fetch(`http://${host}:${port}/heartbeat`, { method: 'POST', headers, body });
      await response.text();
    }
    return Math.round((forwarder.requestBytes + forwarder.answerBytes) / exchanges);
  } finally {
    await forwarder.close();
    server.closeAllConnections();
    server.close();
  }
}
