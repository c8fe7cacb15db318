import { createServer } from 'node:http';
import { initialState, statusOf } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { createCheckSteps } from '../src/cli/check-steps.ts';
import { checkConfig } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';

/** Answers everything with the external address; closed when the test ends. */
async function listen(): Promise<number> {
  const server = createServer((_request, response) => response.end('192.0.2.7\n'));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

function configAt(port: number) {
  const command = JSON.stringify([process.execPath, '-e', 'console.log(`{"holder":"neptune"}`)']);
  const yaml = `cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /k }
addresses: [{ ip: 127.0.0.1, probe: { port: ${port} } }]
local: { url: "http://127.0.0.1:${port}/" }
guard: { urls: ["http://127.0.0.1:${port}/"] }
driver: { kind: exec, command: ${command} }
`;
  const result = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result.config;
}

test('the preflight asks through the agent’s own adapters', async () => {
  const config = configAt(await listen());
  const steps = createCheckSteps('1.2.3');
  const [address] = config.addresses;
  if (address === undefined || config.local === null) throw new Error('configured above');
  expect(await steps.probe(address)).toMatchObject({ kind: 'ok', status: 200 });
  expect(await steps.local(config.local)).toMatchObject({ kind: 'ok', status: 200 });
  expect(await steps.externalIp(config)).toMatchObject([
    { family: 4, result: { kind: 'address', ip: '192.0.2.7' } },
  ]);
  const identity = await steps.identity(config, {});
  expect(identity).toMatchObject({ id: 'saturn' });
  expect(await steps.cloud(config, identity, {})).toContainEqual(
    expect.objectContaining({ name: 'address 127.0.0.1', state: 'ok', found: 'held by neptune' }),
  );
});

test('the voters’ digest is the one that a running agent shows', async () => {
  const config = configAt(1);
  const identity = { id: 'saturn', instanceId: 'saturn', region: null };
  const state = initialState(toProtocolConfig(config, identity, '1.2.3'));
  const { electorate } = statusOf(state, { at: 0, wall: 0 });
  expect(createCheckSteps('1.2.3').electorate(config, identity)).toBe(electorate.digest);
});

test('an identity that metadata does not tell is an error with its reason, not a wait', async () => {
  const config = { ...configAt(1), node: { id: null, role: 'candidate', priority: 100 } } as const;
  const env = { AWS_EC2_METADATA_DISABLED: 'true' };
  await expect(createCheckSteps('1.2.3').identity(config, env)).rejects.toThrow(/node\.id/);
});
